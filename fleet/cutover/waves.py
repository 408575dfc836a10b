"""Which terminal flips in which wave, and how many of a wave may fail before everything stops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wave:
    """As a person plans it: size or percent (of all terminals, rounded up); max_failed or
    max_failed_percent (of the wave, rounded down); without either, none may fail."""

    size: int | None = None
    percent: int | None = None
    max_failed: int | None = None
    max_failed_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """numbers[i]: the wave of the i-th terminal in order of name; limits[w]: failures allowed in wave w."""

    numbers: tuple[int, ...]
    limits: tuple[int, ...]


# A canary of one, then the rest with 10 percent (design.md 6.4).
DEFAULT = (Wave(size=1, max_failed=0), Wave(percent=100, max_failed_percent=10))


def lay_out(count: int, waves: Sequence[Wave] = ()) -> Layout:
    """Deal `count` terminals to the waves in order. Those left over form a last wave in which none may fail."""
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
