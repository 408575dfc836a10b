"""Reads from the server's access log which terminals it has answered lately, by their names and by their addresses: JSON
lines, the newest last. The dashboard compares this with what terminals report about themselves. A name in the log is only
what a request claimed, and alone proves nothing. An address is what the server itself saw."""

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote

TAIL_BYTES = 512 * 1024
MAX_LINE = 4096  # bytes; a longer line was not written by the server
MAX_NAMES = 2000
MAX_NAME = 100  # the longest name of a device
LAST_SECOND = 10**11  # seconds; in the year 5138

Seen = dict[str, dict[str, Any]]


def seen(path: Path, offset_ms: int) -> Seen:
    """Terminal -> scheme and time of its newest request with a 2xx response, the newest first. offset_ms: the dashboard's time
    minus this machine's. Lines that are incomplete, in another format or absurd are skipped. Raises OSError."""
    found: Seen = {}
    for line in reversed(_tail(path)):
        if len(found) == MAX_NAMES:
            break
        for name, scheme, at_s in _answered(line):
            found.setdefault(name, {"scheme": scheme, "at_ms": round(at_s * 1000) + offset_ms})
    return found


def seen_over_tls(path: Path, offset_ms: int) -> Seen:
    """Address -> scheme and time of its newest request over TLS with any response, the newest first; empty for a log without
    addresses. Else like seen()."""
    found: Seen = {}
    for line in reversed(_tail(path)):
        if len(found) == MAX_NAMES:
            break
        row = _row(line)
        address = _address(row.get("address")) if _is_request(row) and row["scheme"] == "https" else None
        if address and _between(row.get("status"), 100, 599):
            found.setdefault(address, {"scheme": "https", "at_ms": round(row["t"] * 1000) + offset_ms})
    return found


def _address(value: Any) -> str | None:
    """The IP address as it is usually written, or None for what is none."""
    try:
        address = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address) if address else None


def _tail(path: Path) -> list[bytes]:
    if not path.is_file():  # opening a pipe would wait for a writer
        raise FileNotFoundError(2, "is not a file", str(path))
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read(TAIL_BYTES).split(b"\n")
    # The text after the last line end is still being written; the text before the first one began before this tail.
    return lines[1 if size > TAIL_BYTES else 0 : -1]


def _answered(line: bytes) -> Iterator[tuple[str, str, float]]:
    """(terminal, scheme, seconds), if this line has them."""
    row = _row(line)
    if not (_is_request(row) and isinstance(row.get("terminal"), str) and _between(row.get("status"), 200, 299)):
        return
    try:
        name = unquote(row["terminal"], errors="strict")
        name.encode()  # a lone surrogate cannot be a name
    except ValueError:
        return
    if 0 < len(name) <= MAX_NAME:
        yield name, row["scheme"], row["t"]


def _row(line: bytes) -> Any:
    """What this line says as JSON; None where it is none."""
    try:
        return json.loads(line) if len(line) <= MAX_LINE else None
    except (ValueError, RecursionError):
        return None


def _is_request(row: Any) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(row, dict)
        and row.get("event") == "request"
        and row.get("scheme") in ("http", "https")
        and _between(row.get("t"), 0, LAST_SECOND)
    )


def _between(value: Any, low: int, high: int) -> bool:
    """Whether it is a number from low to high, and not NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
