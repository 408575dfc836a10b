"""The process that checks: `python -m fleet.management.preflight.child`. It loads no Django and opens no file and no
socket: tasks come in on stdin, answers go out on stdout.

A task is a kind, a length in bytes and the bytes: "lines 4096\n…" for lines of a batch, "files 999\n…" for files as JSON.
Each answer is one line of a kind and JSON: "answer {…}", or "memory …" or "internal …" when there is none. Before it,
"reading …" tells which file is being read. The JSON of an answer is printed as it is, so it is not parsed again."""

import base64
import datetime as dt
import json
import sys
from typing import Any

from fleet.management.preflight.limits import MEMORY_BYTES
from fleet.preflight.certificate.assemble import File, Files, assemble
from fleet.preflight.certificate.batch import answer, moment_of
from fleet.preflight.certificate.check import check
from fleet.preflight.certificate.findings import Profile
from fleet.preflight.certificate.hosts import parse_host


def main() -> None:
    """Runs until stdin ends."""
    _limit_memory()
    sys.set_int_max_str_digits(10_000)
    _say("ready", "")
    while header := sys.stdin.buffer.readline():
        kind, _, size = header.decode().partition(" ")
        task = sys.stdin.buffer.read(int(size))
        for part in task.split(b"\n") if kind == "lines" else [task]:
            _say(*_guarded(kind, part))


def _guarded(kind: str, task: bytes) -> tuple[str, Any]:
    """The answer, or the failure as a value. The check raises nothing for what is in a certificate, so an exception here is
    either the memory limit or an error of ours; the caller reports it."""
    try:
        return "answer", answer(task, dt.datetime.now(dt.UTC)) if kind == "lines" else _check_files(json.loads(task))
    except MemoryError:
        return "memory", f"more than {MEMORY_BYTES // 2**20} MB"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 (a panic in the library's Rust is no Exception)
        return "internal", f"{type(error).__name__}: {error}"


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
    _say("reading", what)


def _file(entry: dict[str, str]) -> File:
    return File(entry["what"], base64.b64decode(entry["data"]))


def _say(kind: str, content: Any) -> None:
    sys.stdout.buffer.write(f"{kind} {json.dumps(content)}\n".encode())
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has the time limit only.
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            continue  # macOS has RLIMIT_AS and refuses to set it.


if __name__ == "__main__":
    main()
