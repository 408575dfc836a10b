"""Who was answered lately, by the access log of the server: JSON lines, the newest last. Its only use is to be compared
with what tills say of themselves. A name in it is what a request claimed to be, and proves nothing alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote

TAIL_BYTES = 512 * 1024
MAX_LINE = 4096  # a longer one was not written by a server in its right mind
MAX_NAMES = 2000
MAX_NAME = 100  # as long as a device's name can be
LAST_SECOND = 10**11  # in the year 5138

Seen = dict[str, dict[str, Any]]


def seen(path: Path, offset_ms: int) -> Seen:
    """Terminal -> scheme and time of its newest request that was answered with 2xx, the newest first. offset_ms: the
    dashboard's time minus this machine's. Lines that are torn, foreign or absurd are passed over. Raises OSError."""
    found: Seen = {}
    for line in reversed(_tail(path)):
        if len(found) == MAX_NAMES:
            break
        for name, scheme, at_s in _answered(line):
            found.setdefault(name, {"scheme": scheme, "at_ms": round(at_s * 1000) + offset_ms})
    return found


def _tail(path: Path) -> list[bytes]:
    if not path.is_file():  # to open a pipe would wait for somebody who writes to it
        raise FileNotFoundError(2, "is no file", str(path))
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read(TAIL_BYTES).split(b"\n")
    # What follows the last line end is still being written; what precedes the first one began before the tail.
    return lines[1 if size > TAIL_BYTES else 0 : -1]


def _answered(line: bytes) -> Iterator[tuple[str, str, float]]:
    """(terminal, scheme, seconds) of a line that says so."""
    try:
        row = json.loads(line) if len(line) <= MAX_LINE else None
        if not _counts(row):
            return
        name = unquote(row["terminal"], errors="strict")
        name.encode()  # half a character is no name
    except (ValueError, RecursionError):
        return
    if 0 < len(name) <= MAX_NAME:
        yield name, row["scheme"], row["t"]


def _counts(row: Any) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(row, dict)
        and row.get("event") == "request"
        and row.get("scheme") in ("http", "https")
        and isinstance(row.get("terminal"), str)
        and _between(row.get("status"), 200, 299)
        and _between(row.get("t"), 0, LAST_SECOND)
    )


def _between(value: Any, low: int, high: int) -> bool:
    """Whether it is a number, not NaN, from low to high."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
