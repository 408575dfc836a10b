"""What the undo of a restart still owes, in a small file in the agent's state folder. The journal has what a step needs before
it is applied. What an undo finds out while it works is written here, before it acts on it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.storage import atomic

_NAME = "touch-owed.json"


@dataclass(frozen=True, slots=True)
class Owed:
    """Empty where nothing is owed."""

    start: bool = False  # Touch ran and was closed: it must be started again
    boot: str | None = None  # the machine must be restarted, unless it has started since this one (TouchProgram.boot)


NOTHING = Owed()


def read(state: Path) -> Owed:
    """What is owed. state: the agent's folder. Raises OSError."""
    try:
        said: Any = json.loads((state / _NAME).read_bytes())
    except FileNotFoundError:
        return NOTHING
    except ValueError:
        return NOTHING  # not ours: a file of ours is replaced atomically
    if not isinstance(said, dict):
        return NOTHING
    boot = said.get("boot")
    return Owed(said.get("start") is True, boot if isinstance(boot, str) else None)


def write(state: Path, owed: Owed) -> None:
    """Remember it. It is on disk before this returns. Raises OSError."""
    if owed == read(state):
        return
    if owed == NOTHING:
        (state / _NAME).unlink(missing_ok=True)
        atomic.fsync_folder(state)
    else:
        atomic.replace(state / _NAME, json.dumps(dataclasses.asdict(owed)).encode())
