"""The server machine's state in files: the data of http.sys and of the service manager. The emulated programs and the reference
server share it. It imports only light modules of the standard library, because `netsh` and `sc` are started often."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator

TYPE_CHECKING = False  # importing typing would double the start time
if TYPE_CHECKING:
    from typing import Any

HTTPSYS = "httpsys.json"
SERVICES = "services.json"
PENDING = "pending.json"
EXITS = "exits.json"
OPTIONS = "lab.json"
CALLS = "calls.jsonl"
PROCESS = "process.json"
CERTIFICATES = "certificates"

START_PENDING, STOP_PENDING = 2, 3
WAIT_HINT_MS = 1000

Row = dict[str, "Any"]


@contextlib.contextmanager
def locked(server: str, name: str) -> Iterator[None]:
    """Hold this lock. The kernel releases it when its process dies."""
    fd = os.open(os.path.join(server, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def services_lock(server: str) -> contextlib.AbstractContextManager[None]:
    """The lock to hold while reading and changing service states."""
    return locked(server, ".scm.lock")


def httpsys_lock(server: str) -> contextlib.AbstractContextManager[None]:
    """The lock to hold while reading and changing http.sys's tables."""
    return locked(server, ".httpsys.lock")


def read(server: str, name: str, default: "Any") -> "Any":
    """The JSON in this file, `default` if there is no such file."""
    try:
        with open(os.path.join(server, name), "rb") as file:
            return json.loads(file.read())
    except FileNotFoundError:
        return default


def write(server: str, name: str, value: "Any") -> None:
    """Replace this file atomically. The caller holds the lock. After a crash it has either the old or the new bytes."""
    temp = os.path.join(server, f".{name}.{os.getpid()}")
    with open(temp, "w", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=1) + "\n")
    os.replace(temp, os.path.join(server, name))


def append(path: str, row: Row) -> None:
    """Append one line of JSON with a single write."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, json.dumps(row, separators=(",", ":")).encode() + b"\n")
    finally:
        os.close(fd)


def note_call(server: str, program: str, arguments: list[str], code: int) -> None:
    """Record that a program was run, for tests and people."""
    row = {"t": round(time.time(), 6), "program": program, "argv": arguments, "exit": code}
    append(os.path.join(server, CALLS), row)


def httpsys(server: str) -> dict[str, "Any"]:
    """http.sys's tables: urlacl, sslcert, iplisten."""
    empty: dict[str, Any] = {"urlacl": [], "sslcert": [], "iplisten": []}
    return {**empty, **read(server, HTTPSYS, {})}


def elevated(server: str) -> bool:
    """Whether netsh and sc run with the right to change anything."""
    return bool(read(server, OPTIONS, {}).get("elevated", True))


def services(server: str) -> list[Row]:
    """All services, in the order of the file."""
    rows: list[Row] = read(server, SERVICES, {"services": []})["services"]
    return rows


def find(rows: list[Row], name: str) -> Row | None:
    """The service with this name, which is not case-sensitive on Windows."""
    return next((row for row in rows if row["name"].lower() == name.lower()), None)


def needing(rows: list[Row], name: str) -> list[Row]:
    """The services that need this one, directly or through others. A service comes before the one that it needs."""
    found: list[Row] = []
    row = find(rows, name)
    for other in row["dependents"] if row else []:
        below = [*needing(rows, other), find(rows, other)]
        found += [one for one in below if one is not None and one not in found]
    return found


def pending(server: str) -> dict[str, Row]:
    """The services that are starting or stopping: name -> state, checkpoint, wait_hint_ms."""
    rows: dict[str, Row] = read(server, PENDING, {})
    return rows


def process(server: str) -> int:
    """The id of the process in which the services run."""
    pid: int = read(server, PROCESS, {"pid": 4216})["pid"]
    return pid


def set_pending(server: str, name: str, state: int, checkpoint: int, wait_hint_ms: int) -> None:
    """Record that this service is starting or stopping. The caller holds services_lock."""
    rows = pending(server)
    rows[name] = {"state": state, "checkpoint": checkpoint, "wait_hint_ms": wait_hint_ms}
    write(server, PENDING, rows)


def arrive(server: str, name: str, state: str, exit_code: int = 0) -> None:
    """Record that the service is `running` or `stopped` now. The caller holds services_lock. If the process dies between the
    writes, the service stays pending; carrying that out once more has no further effect."""
    rows = services(server)
    row = find(rows, name)
    if row is not None and row["state"] != state:
        row["state"] = state
        write(server, SERVICES, {"services": rows})
    exits = read(server, EXITS, {})
    if exits.get(name, 0) != exit_code:
        write(server, EXITS, {**exits, name: exit_code})
    left = pending(server)
    if left.pop(name, None) is not None:
        write(server, PENDING, left)
