"""What the agent may rely on: from the bytes that it wrote and in which order, to what must be there after each
operation. A promise is kept from the operation after the one that flushes it: then the agent's call has returned.
Where the process died before that, it stands as soon as the next life says anything that rests on it."""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.torn.calls import Op
from tests.torn.disk import Content
from tests.torn.model import Tree

NEVER = 1 << 30
# What Journal flushes before it returns. A report is among them when it is the end of an instruction.
KEPT = frozenset({"snapshot", "accepted", "undo", "undone", "failing"})


@dataclass(frozen=True, slots=True)
class Version:
    """What a file holds, None: it is not there. seen, kept: after how many operations it may be, must be so."""

    data: bytes | None
    seen: int = 0
    kept: int = 0


@dataclass(slots=True)
class Generation:
    """A journal from one rewriting to the next: its lines. seen: after how many operations it may be there."""

    seen: int
    lines: list[Version] = field(default_factory=list)


def records(data: bytes) -> list[bytes]:
    """The whole lines of a journal's bytes."""
    lines = (line + b"\n" for line in data.split(b"\n")[:-1])
    return [line for line in lines if line[:9] == b"%08x " % zlib.crc32(line[9:-1])]


class Promises:
    """Of one recording. journal: the path of the file to which is appended; all others are replaced."""

    def __init__(self, base: Tree, ops: Sequence[Op], journal: str) -> None:
        self.ops, self.journal = ops, journal
        self.versions = {path: [Version(data)] for path, data in base.items() if path != journal}
        self.generations = [Generation(0, [Version(line) for line in records(base.get(journal, b""))])]
        names = {path: number for number, path in enumerate(sorted(base), 1)}
        content = Content(names, {names[path]: data for path, data in base.items()}, set())
        for number, op in enumerate(ops):
            if op.kind == "rename":
                self._replaced(number, op, content.files[op.ino])
            elif op.kind == "write" and content.names.get(journal) == op.ino:
                self.generations[-1].lines.append(Version(op.data, number + 1, self._kept(number, op.data)))
            if op.kind in ("write", "cut", "create", "rename", "unlink"):
                content.apply(op)

    def broken(self, done: int, tree: Tree, path: str) -> str | None:
        """What is wrong with a replaced file, `done` operations after the begin."""
        versions = self.versions.get(path, [Version(None)])
        oldest = max(number for number, version in enumerate(versions) if version.kept <= done)
        allowed = [version.data for version in versions[oldest:] if version.seen <= done]
        if tree.get(path) in allowed:
            return None
        here = "missing" if path not in tree else "back" if tree[path] in [v.data for v in versions] else "torn"
        return f"{path} is {here}"

    def forgotten(self, done: int, lines: Sequence[bytes]) -> str | None:
        """What is wrong with the journal's lines: one is missing, or there are others than were written."""
        for generation in reversed([item for item in self.generations if item.seen <= done]):
            kept = [line.data for line in generation.lines if line.kept <= done]
            if _within(lines, [line.data for line in generation.lines]) and _within(kept, lines):
                return None
            if kept:
                words = sorted({json.loads(line[9:])["k"] for line in kept if line is not None and line not in lines})
                return f"the journal has lost {' and '.join(words)}" if words else "the journal has lines nobody wrote"
        return None if not lines else "the journal has lines nobody wrote"

    def _replaced(self, number: int, op: Op, data: bytes) -> None:
        if op.to == self.journal:
            self.generations.append(Generation(number + 1, [Version(data, number + 1, number + 2)]))
            return
        kept = self._told_after(number) if self._died(number) else number + 2
        self.versions.setdefault(op.to, [Version(None)]).append(Version(data, number + 1, kept))

    def _kept(self, number: int, line: bytes) -> int:
        record = json.loads(line[9:])
        must = record["k"] in KEPT or (record["k"] == "report" and '"type":"Finished"' in record["m"])
        return number + 2 if must and not self._died(number) else NEVER

    def _died(self, number: int) -> bool:
        return number + 1 < len(self.ops) and self.ops[number + 1].kind == "restart"

    def _told_after(self, number: int) -> int:
        """When the next report, or mark that a step is undone, is written."""
        words = (b'{"k":"report"', b'{"k":"undone"')
        later = range(number + 1, len(self.ops))
        return next((at + 1 for at in later if self.ops[at].data[9:22] in words), NEVER)


def _within(few: Sequence[bytes | None], many: Sequence[bytes | None]) -> bool:
    """Whether the few are among the many, in the same order."""
    rest: Iterator[bytes | None] = iter(many)
    return all(line in rest for line in few)
