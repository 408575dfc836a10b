"""A reference Touch as files in its terminal's folder. They survive the end of any process, at any moment.

touch.json        {"running", "since"}: whether Touch runs, and since when (seconds since 1970). Without it, this terminal's
                  Touch reads its settings for every lookup, and is neither closed nor started
touch-order.json  {"want": "closed"|"killed"|"running"}: what its agent has ordered, until Touch takes it
touch-taken.json  the same, taken: Touch carries it out, and cannot be asked to leave it any more
touch.jsonl       what happened: {"t", "event": "started"|"closed"|"killed"}
"""

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATE, LOG = "touch.json", "touch.jsonl"
_ORDER, _TAKEN = "touch-order.json", "touch-taken.json"
WANTS = ("closed", "killed", "running")


@dataclass(frozen=True, slots=True)
class State:
    """One terminal's Touch."""

    running: bool
    since: float  # when it started, or ended, in seconds since 1970


def read(folder: Path) -> State | None:
    """The state; None where this terminal's Touch caches nothing."""
    try:
        said = json.loads((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    return State(said["running"], said["since"])


def write(folder: Path, state: State) -> None:
    """Replace the state atomically."""
    _replace(folder / STATE, {"running": state.running, "since": state.since})


def order(folder: Path, want: str) -> None:
    """Give an order, in place of one that was not taken yet."""
    _replace(folder / _ORDER, {"want": want})


def withdraw(folder: Path) -> bool:
    """Take back the order. Returns whether that worked: Touch has not taken it."""
    try:
        (folder / _ORDER).unlink()
    except FileNotFoundError:
        return False
    return True


def ordered(folder: Path) -> str | None:
    """What is ordered and not taken yet."""
    return _want(folder / _ORDER)


def take(folder: Path) -> str | None:
    """Take the order. None if it was withdrawn just now."""
    try:
        os.replace(folder / _ORDER, folder / _TAKEN)
    except FileNotFoundError:
        return None
    return taken(folder)


def taken(folder: Path) -> str | None:
    """What was taken and is not done."""
    return _want(folder / _TAKEN)


def done(folder: Path) -> None:
    """The order that was taken is carried out."""
    (folder / _TAKEN).unlink(missing_ok=True)


def note(folder: Path, event: str) -> None:
    """Write down what happened."""
    with (folder / LOG).open("ab") as file:
        file.write(json.dumps({"t": round(time.time(), 6), "event": event}).encode() + b"\n")


def events(folder: Path) -> list[str]:
    """Everything that has happened, oldest first."""
    try:
        lines = (folder / LOG).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line)["event"] for line in lines]


def _want(path: Path) -> str | None:
    with contextlib.suppress(FileNotFoundError):
        want = json.loads(path.read_bytes()).get("want")
        return want if want in WANTS else None
    return None


def _replace(path: Path, data: dict[str, Any]) -> None:
    temp = path.with_suffix(".new")
    temp.write_bytes(json.dumps(data).encode())
    os.replace(temp, path)
