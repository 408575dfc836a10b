"""What a disk may hold after a power cut. As in "All File Systems Are Not Created Equal" (OSDI '14): whatever was
flushed is there, of everything else any part may be, in any order; a name is another thing than its file, and is
flushed with its folder."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.torn.calls import Op
from tests.torn.model import Tree


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one operation that was not flushed. Of a write: which ranges of its bytes are on the
    disk, and up to which of them the file reaches; between them are zeros. Of any other: nothing happened."""

    kept: tuple[tuple[int, int], ...] = ()
    reach: int = 0


LOST = Fate()


@dataclass(slots=True)
class Content:
    """names: path -> file; files: its bytes; folders: those whose own name is there."""

    names: dict[str, int] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def apply(self, op: Op, fate: Fate | None = None) -> None:
        """Do this; with a fate, only what it leaves of it."""
        if op.kind == "write":
            self._write(op, fate or Fate(((0, len(op.data)),), len(op.data)))
        elif fate is not None:
            return
        elif op.kind == "cut":
            self.files[op.ino] = self.files.get(op.ino, b"")[: op.at].ljust(op.at, b"\0")
        elif op.kind == "mkdir":
            self.folders.add(op.path)
        elif op.kind == "create":
            self.names[op.path] = op.ino
        else:  # rename or unlink; the name that goes may never have reached the disk
            self.names.pop(op.path, None)
            if op.kind == "rename":
                self.names[op.to] = op.ino

    def _write(self, op: Op, fate: Fate) -> None:
        data = bytearray(self.files.get(op.ino, b""))
        if fate.reach:
            data.extend(bytes(max(0, op.at + fate.reach - len(data))))
        for begin, end in fate.kept:
            data[op.at + begin : op.at + end] = op.data[begin:end]
        self.files[op.ino] = bytes(data)

    def tree(self) -> Tree:
        """The files that can be found, by path."""
        there = {path for path in self.names if posixpath.dirname(path) in self.folders}
        return {path: self.files.get(self.names[path], b"") for path in sorted(there)}


class Disk:
    """flushed: what is safe; pending: what was done since and is not, by its number in the recording."""

    def __init__(self, base: Mapping[str, bytes]) -> None:
        names = {path: number for number, path in enumerate(sorted(base), 1)}
        folders = {"", *(posixpath.dirname(path) for path in base)}
        self.flushed = Content(names, {names[path]: data for path, data in base.items()}, folders)
        self.pending: dict[int, Op] = {}

    def do(self, number: int, op: Op) -> None:
        """The next operation."""
        if op.kind == "sync":
            self._flush([at for at, other in self.pending.items() if _of_file(other) and other.ino == op.ino])
        elif op.kind == "sync_folder":
            folder = "" if op.path == "." else op.path
            names = {at: other for at, other in self.pending.items() if not _of_file(other)}
            self._flush([at for at, other in names.items() if posixpath.dirname(other.path) == folder])
        elif op.kind not in ("restart", "nothing"):
            self.pending[number] = op

    def _flush(self, numbers: list[int]) -> None:
        for number in numbers:
            self.flushed.apply(self.pending.pop(number))

    def after(self, fates: Mapping[int, Fate]) -> Tree:
        """The files after a power cut now; what is pending and has no fate is there."""
        content = Content(dict(self.flushed.names), dict(self.flushed.files), set(self.flushed.folders))
        for number, op in self.pending.items():
            content.apply(op, fates.get(number))
        return content.tree()


def _of_file(op: Op) -> bool:
    return op.kind in ("write", "cut")
