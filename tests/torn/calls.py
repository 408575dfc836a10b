"""System calls on files as both recorders write them down, and the operations on one folder that they are.

A call is a tuple: ("open", fd, path, creates, empties), ("seek", fd, position), ("write", fd, data),
("sync", fd), ("cut", fd, size), ("close", fd), ("rename", path, path), ("unlink", path), ("mkdir", path), or
("other", name, fd) for one that no code of ours makes today."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Call = tuple[Any, ...]

FOLDER_OPS = frozenset({"mkdir", "create", "rename", "unlink"})


@dataclass(frozen=True, slots=True)
class Op:
    """One change, or one flush. Paths are relative to the folder. ino: which file, whatever it is called;
    at: where a write begins, or the length that is left. kind: mkdir, create, write, cut, sync, sync_folder,
    rename, unlink; restart (the process has died, the machine has not) and nothing."""

    kind: str
    path: str = ""
    ino: int = 0
    at: int = 0
    data: bytes = b""
    to: str = ""


@dataclass(slots=True)
class Follower:
    """Knows which file is open as which number. names: the files there are, by path."""

    root: str
    names: dict[str, int]
    ops: list[Op] = field(default_factory=list)
    open: dict[int, tuple[str, int]] = field(default_factory=dict)  # fd -> path, ino; ino 0 is a folder
    position: dict[int, int] = field(default_factory=dict)
    made: int = 1000

    def take(self, call: Call) -> None:
        """One call that has succeeded."""
        name, *rest = call
        if name == "open":
            self._open(*rest)
        elif name in ("rename", "unlink", "mkdir"):
            self._folder(name, *(self._inside(path) for path in rest))
        elif name == "other" and rest[1] in self.open:
            raise ValueError(f"{rest[0]} on a file of the agent's: teach the recorders and the disk what that does")
        elif rest[0] in self.open:
            self._file(name, *rest)

    def _inside(self, path: str) -> str | None:
        inside = os.path.relpath(path, self.root)
        return None if inside.startswith("..") else inside

    def _open(self, fd: int, path: str, creates: bool, empties: bool) -> None:
        self.open.pop(fd, None)
        inside = self._inside(path)
        if inside is None:
            return
        if creates and inside not in self.names:
            self.made += 1
            self.names[inside] = self.made
            self.ops.append(Op("create", inside, self.made))
        elif empties:
            self.ops.append(Op("cut", inside, self.names[inside]))
        self.open[fd] = inside, self.names.get(inside, 0)
        self.position[fd] = 0

    def _file(self, name: str, fd: int, value: Any = None) -> None:
        path, ino = self.open[fd]
        if name == "seek":
            self.position[fd] = value
        elif name == "write":
            self.ops.append(Op("write", path, ino, self.position[fd], value))
            self.position[fd] += len(value)
        elif name == "cut":
            self.ops.append(Op("cut", path, ino, value))
        elif name == "sync":
            self.ops.append(Op("sync", path, ino) if ino else Op("sync_folder", path))
        else:
            del self.open[fd]

    def _folder(self, name: str, path: str | None, to: str | None = None) -> None:
        if path is None and to is None:
            return
        if path is None or (name == "rename" and (to is None or os.path.dirname(path) != os.path.dirname(to))):
            raise ValueError("a file leaves its folder: the disk does not know what that does")
        if name == "mkdir":
            self.ops.append(Op("mkdir", path))
            return
        ino = self.names.pop(path)
        if to is not None:
            self.names[to] = ino
        self.ops.append(Op(name, path, ino, to=to or ""))


def operations(root: Path, base: Iterable[str], lives: Iterable[list[Call]]) -> list[Op]:
    """What these lives of an agent have done in the folder that held the files `base` before."""
    follower = Follower(str(root), {path: number for number, path in enumerate(sorted(base), 1)})
    for number, life in enumerate(lives):
        if number:
            follower.ops.append(Op("restart"))
            follower.open.clear()
        for call in life:
            follower.take(call)
    return follower.ops
