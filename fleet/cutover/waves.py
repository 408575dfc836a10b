"""Which terminal switches in which wave, and how many of a wave may fail before everything stops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave as a person plans it."""

    # How many terminals: one of the two.
    size: int | None = None
    percent: int | None = None  # of all terminals, rounded up
    # How many of them may fail: one of the two, or none of the two for no failure at all.
    max_failed: int | None = None
    max_failed_percent: int | None = None  # of the wave, rounded down


@dataclass(frozen=True, slots=True)
class Layout:
    """The terminals of a site, dealt to waves."""

    numbers: tuple[int, ...]  # numbers[i]: the wave of the i-th terminal in order of name
    limits: tuple[int, ...]  # limits[w]: how many terminals of wave w may fail


# Without waves in the plan: a canary of one terminal, then all others, of which 10 percent may fail.
DEFAULT = (Wave(size=1, max_failed=0), Wave(percent=100, max_failed_percent=10))


def lay_out(count: int, waves: Sequence[Wave] = ()) -> Layout:
    """Deal `count` terminals to the waves in order. Terminals that are left over form one more wave, in which none may
    fail."""
    numbers: list[int] = []
    limits: list[int] = []
    for wave in waves or DEFAULT:
        wanted = wave.size if wave.size is not None else math.ceil(count * (wave.percent or 0) / 100)
        size = min(wanted, count - len(numbers))
        if size <= 0:
            continue
        numbers += [len(limits)] * size
        limits.append(_limit(wave, size))
    if left := count - len(numbers):
        numbers += [len(limits)] * left
        limits.append(0)
    return Layout(tuple(numbers), tuple(limits))


def _limit(wave: Wave, size: int) -> int:
    if wave.max_failed_percent is not None:
        return size * wave.max_failed_percent // 100
    return wave.max_failed or 0
