"""Which fates are tried for what is not flushed: there are more than can be counted, so these are the ones that
differ in kind."""

from collections.abc import Iterator, Mapping
from itertools import pairwise, product

from tests.torn.calls import Op
from tests.torn.disk import LOST, Fate

ALL_SUBSETS = 6  # of up to so many operations every subset is lost; of more, none, all, each one, all but each one
SECTOR, PAGE = 512, 4096


def fates(pending: Mapping[int, Op], fine: int) -> Iterator[dict[int, Fate]]:
    """Fates of pending operations, by number. The newest of them may be under way, so it is cut most finely: at
    every byte, if it has no more than `fine`, else at some. 0: it is cut as the others else are, and they not at all."""
    yield from _subsets(list(pending))
    if not pending:
        return
    newest = max(pending)
    for number, op in pending.items():
        if op.kind != "write":
            continue
        others = dict.fromkeys(pending, LOST)
        for fate in _coarse(op) if fine or number == newest else (Fate((), len(op.data)),):
            yield {number: fate}
            yield {**others, number: fate}
        if number == newest and fine:
            yield from ({number: _cut(at)} for at in _offsets(op, fine))


def _subsets(numbers: list[int]) -> Iterator[dict[int, Fate]]:
    if len(numbers) <= ALL_SUBSETS:
        for there in product((True, False), repeat=len(numbers)):
            yield {number: LOST for number, kept in zip(numbers, there, strict=True) if not kept}
        return
    yield {}
    yield dict.fromkeys(numbers, LOST)
    for number in numbers:
        yield {number: LOST}
        yield {other: LOST for other in numbers if other != number}


def _cut(at: int) -> Fate:
    return Fate(((0, at),), at)


def _coarse(op: Op) -> Iterator[Fate]:
    """The file has its new length and zeros in it: everywhere, behind a cut, or in one sector or page."""
    size = len(op.data)
    yield Fate((), size)
    for at in (size // 2, size - 1):
        yield _cut(at)
        yield Fate(((0, at),), size)
    for unit in (SECTOR, PAGE):
        edges = [0, *_edges(op, unit), size]
        pieces = list(pairwise(edges))
        if len(pieces) > 1:
            for begin, end in (pieces[0], pieces[-1]):
                yield Fate(((0, begin), (end, size)), size)


def _offsets(op: Op, fine: int) -> Iterator[int]:
    """Where a write is cut."""
    size = len(op.data)
    if size <= fine:
        yield from range(1, size)
        return
    yield from sorted({1, 8, 9, *(size * part // 16 for part in range(1, 16)), size - 2, size - 1})
    yield from _edges(op, SECTOR)


def _edges(op: Op, unit: int) -> list[int]:
    """Offsets into the write at which the file passes from one unit of the disk to the next."""
    first = unit - op.at % unit
    return list(range(first, len(op.data), unit))
