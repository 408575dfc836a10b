"""What tests of the rehearsal share: orders, and the state of a folder."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from fake_windows import MEMBER
from questions import REST

from agents.protocol import Rehearsal

FOREVER_MS = 7_000_000_000_000


def order(action: str, port: int, **changes: Any) -> Rehearsal:
    made = Rehearsal("a1", 3, action, port, MEMBER, FOREVER_MS, probe=REST)
    return dataclasses.replace(made, **changes)


def disk(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file's time of change and bytes."""
    paths = [Path(where) / name for where, _, names in os.walk(folder) for name in names]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}
