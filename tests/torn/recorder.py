"""Records the agent's file operations inside of its own process, by standing in for the functions of `os` that
it uses. Works everywhere; strace.py, where it can run, must have seen the same."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torn.calls import Call

# How each function's arguments and result become a call.
CALLS: dict[str, Callable[..., Call]] = {
    "open": lambda fd, path, flags, *_: ("open", fd, os.fspath(path), bool(flags & os.O_CREAT), bool(flags & os.O_TRUNC)),
    "lseek": lambda position, fd, *_: ("seek", fd, position),
    "write": lambda length, fd, data: ("write", fd, bytes(data[:length])),
    "fsync": lambda _, fd: ("sync", fd),
    "ftruncate": lambda _, fd, size: ("cut", fd, size),
    "close": lambda _, fd: ("close", fd),
    "replace": lambda _, path, to: ("rename", os.fspath(path), os.fspath(to)),
    "unlink": lambda _, path: ("unlink", os.fspath(path)),
    "mkdir": lambda _, path, *rest, **more: ("mkdir", os.fspath(path)),
}


class Recorder:
    """Writes every call to a file at once, so that nothing is missing when the process is killed."""

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._write = os.write
        self._needle: bytes | None = None
        self._flushes = 0
        for name, call in CALLS.items():
            setattr(os, name, self._recorded(getattr(os, name), call))

    def die_after(self, needle: bytes, flushes: int) -> None:
        """Kill this process when, after it has written these bytes, it has flushed so often and would again."""
        self._needle, self._flushes = needle, flushes

    def _recorded(self, function: Callable[..., Any], make: Callable[..., Call]) -> Callable[..., Any]:
        def recorded(*arguments: Any, **more: Any) -> Any:
            if make is CALLS["fsync"]:
                self._perhaps_die()
            result = function(*arguments, **more)
            self._keep(make(result, *arguments))
            return result

        return recorded

    def _keep(self, call: Call) -> None:
        if call[0] == "write" and self._needle and self._needle in call[2]:
            self._needle = b""
        words = [word.hex() if isinstance(word, bytes) else word for word in call]
        self._write(self._log, json.dumps([os.getpid(), *words]).encode() + b"\n")

    def _perhaps_die(self) -> None:
        if self._needle == b"":
            if not self._flushes:
                os.kill(os.getpid(), signal.SIGKILL)
            self._flushes -= 1


def read(log: Path) -> list[list[Call]]:
    """The calls in such a file, one list per process."""
    lives: dict[int, list[Call]] = {}
    for line in log.read_text().splitlines():
        pid, name, *rest = json.loads(line)
        if name == "write":
            rest[1] = bytes.fromhex(rest[1])
        lives.setdefault(pid, []).append((name, *rest))
    return list(lives.values())
