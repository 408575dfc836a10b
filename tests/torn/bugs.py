"""Bugs, planted in what was recorded: each operation becomes another or nothing, so that the numbers stay."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from agents.storage.atomic import SUFFIX
from tests.torn.calls import Op
from tests.torn.record import Recording

NOTHING = Op("nothing")


def without(*kinds: str, path: str = "") -> Callable[[Recording], list[Op]]:
    """These never happen, on this path or on any."""

    def plant(recording: Recording) -> list[Op]:
        return [NOTHING if op.kind in kinds and path in ("", op.path) else op for op in recording.ops]

    return plant


def without_at_start(kind: str, path: str) -> Callable[[Recording], list[Op]]:
    """This does not happen in a new life before the first write of it."""

    def plant(recording: Recording) -> list[Op]:
        return [
            NOTHING if (op.kind, op.path) == (kind, path) and _fresh(recording.ops[:number]) else op
            for number, op in enumerate(recording.ops)
        ]

    return plant


def in_place(recording: Recording) -> list[Op]:
    """The settings are rewritten where they are: cut to nothing, written, flushed."""
    path = PurePosixPath(recording.model.settings)
    temp = str(path.with_name(f".{path.name}{SUFFIX}"))
    ino = sorted(recording.base).index(str(path)) + 1
    became = {"create": "cut", "rename": "nothing", "unlink": "nothing"}
    return [
        replace(op, kind=became.get(op.kind, op.kind), path=str(path), ino=ino, to="") if op.path == temp else op
        for op in recording.ops
    ]


def _fresh(before: Sequence[Op]) -> bool:
    """Whether the last restart was after the last write."""
    last = next((op.kind for op in reversed(before) if op.kind in ("write", "restart")), "")
    return last == "restart"
