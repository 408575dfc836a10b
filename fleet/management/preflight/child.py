"""The child that does the checking: `python -m fleet.management.preflight.child`. It loads no Django, opens no
file and no socket: tasks come in on stdin and answers go out on stdout, one JSON object a line.

A task is {"line": text} for a line of a batch, or {"files": …} for files. An answer is {"answer": …}, or
{"error": kind, "text": …} where kind is `memory` or `internal`. `{"field": …}` before it says what is being read."""

import base64
import datetime as dt
import json
import sys
from typing import Any, BinaryIO

from fleet.management.preflight.limits import MEMORY_BYTES
from fleet.preflight.assemble import File, Files, assemble
from fleet.preflight.batch import answer, moment_of
from fleet.preflight.certificate import check
from fleet.preflight.findings import Profile
from fleet.preflight.hosts import parse_host


def main() -> None:
    """Serves until stdin ends."""
    _limit_memory()
    sys.set_int_max_str_digits(10_000)
    _say({"ready": True})
    for task in sys.stdin.buffer:
        _say(_guarded(task))


def _guarded(task: bytes) -> dict[str, Any]:
    """The answer, or what went wrong as a value. The check raises for nothing that is in a certificate, so anything
    that arrives here is either the memory limit or a fault of ours, and the caller tells people so."""
    try:
        return {"answer": _work(json.loads(task))}
    except MemoryError:
        return {"error": "memory", "text": f"more than {MEMORY_BYTES // 2**20} MB"}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 (a panic in the library's Rust is no Exception)
        return {"error": "internal", "text": f"{type(error).__name__}: {error}"}


def _work(task: dict[str, Any]) -> dict[str, Any]:
    if "line" in task:
        return answer(base64.b64decode(task["line"]), dt.datetime.now(dt.UTC))
    return _check_files(task["files"])


def _check_files(task: dict[str, Any]) -> dict[str, Any]:
    files = Files(
        leaf=_file(task["leaf"]),
        chain=[_file(entry) for entry in task["chain"]],
        roots=[_file(entry) for entry in task["roots"]],
        key=_file(task["key"]) if task["key"] else None,
        password=base64.b64decode(task["password"]) if task["password"] is not None else None,
    )
    hosts = tuple(parse_host(host) for host in task["hosts"])
    times = tuple(moment_of(moment) for moment in task["times"])
    return check(assemble(files, hosts, times, Profile(task["profile"]), on_reading=_reading)).as_answer()


def _reading(what: str) -> None:
    _say({"field": what})


def _file(entry: dict[str, str]) -> File:
    return File(entry["what"], base64.b64decode(entry["data"]))


def _say(message: dict[str, Any]) -> None:
    out: BinaryIO = sys.stdout.buffer
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit alone holds there.
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            continue  # macOS knows RLIMIT_AS and refuses to set it.


if __name__ == "__main__":
    main()
