"""The emulated `sc`. It checks the command, writes the order to server/pending.json and returns at once, as the real one
does while a service is still starting or stopping. The reference server carries the order out."""

import os
import sys
from collections.abc import Callable

from agents.lab import machine, sc_out
from agents.lab.machine import Row
from agents.lab.texts import languages

_START_WORDS = {"auto": "auto", "demand": "manual", "disabled": "disabled"}


class Failed(Exception):
    """A call failed: sc prints which one and why, and exits with the number."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(call, number)
        self.call, self.number = call, number


def main(server: str, argv: list[str]) -> int:
    """Do what `sc ARGV` does. Returns the exit code, which is the error's number; POSIX keeps only its lowest byte."""
    language, code = languages.of(server), 0
    try:
        text = _run(server, argv)
    except Failed as failed:
        text, code = sc_out.failed(language.say, failed.call, failed.number), failed.number
    machine.note_call(server, "sc", argv, code)
    sys.stdout.buffer.write(language.printed(text))
    return code & 0xFF


def _run(server: str, argv: list[str]) -> str:
    verb, rest = (argv[0].lower(), argv[1:]) if argv else ("", [])
    if verb in ("query", "queryex") and (not rest or rest[0].endswith("=")):
        wanted = "".join(rest).lower()
        rows = [row for row in machine.services(server) if row["state"] == "running" or "state=all" in wanted]
        return "".join(sc_out.listed(row, _status(server, row, verb)) for row in rows)
    if verb not in _COMMANDS or not rest:
        return sc_out.USAGE
    with machine.services_lock(server):
        row = machine.find(machine.services(server), rest[0])
        if row is None:
            raise Failed("EnumQueryServicesStatus:OpenService" if verb.startswith("query") else "OpenService", 1060)
        if verb in _CHANGING and not machine.elevated(server):
            raise Failed("OpenService", 5)
        return _COMMANDS[verb](server, row, rest[1:])


def _query(server: str, row: Row, _: list[str]) -> str:
    return _status(server, row, "query")


def _queryex(server: str, row: Row, _: list[str]) -> str:
    return _status(server, row, "queryex")


def _status(server: str, row: Row, verb: str) -> str:
    way = machine.pending(server).get(row["name"])
    exit_code = machine.read(server, machine.EXITS, {}).get(row["name"], 0)
    return sc_out.status(row, way, exit_code, pid=machine.process(server) if verb == "queryex" else None)


def _stop(server: str, row: Row, _: list[str]) -> str:
    if row["name"] in machine.pending(server):
        raise Failed("ControlService", 1061)
    if row["state"] != "running":
        raise Failed("ControlService", 1062)
    others = machine.services(server)
    if any(other["state"] == "running" and other["name"] in row["dependents"] for other in others):
        raise Failed("ControlService", 1051)
    machine.set_pending(server, row["name"], machine.STOP_PENDING, 0, machine.WAIT_HINT_MS)
    return _status(server, row, "query")


def _start(server: str, row: Row, _: list[str]) -> str:
    if row["start_type"] == "disabled":
        raise Failed("StartService", 1058)
    if row["state"] == "running" or row["name"] in machine.pending(server):
        raise Failed("StartService", 1056)
    machine.set_pending(server, row["name"], machine.START_PENDING, 0, machine.WAIT_HINT_MS)
    return _status(server, row, "queryex")


def _config(server: str, row: Row, rest: list[str]) -> str:
    words = [word for part in rest for word in part.lower().partition("=")[::2] if word]
    if len(words) != 2 or words[0] != "start" or words[1] not in _START_WORDS:
        return sc_out.USAGE
    rows = machine.services(server)
    for other in rows:
        if other["name"] == row["name"]:
            other["start_type"] = _START_WORDS[words[1]]
    machine.write(server, machine.SERVICES, {"services": rows})
    return sc_out.done(languages.of(server).say, "ChangeServiceConfig")


def _qc(server: str, row: Row, _: list[str]) -> str:
    program = os.path.realpath(os.path.join(server, row["program"])) if "program" in row else None
    return sc_out.configuration(languages.of(server).say, row, program)


def _qfailure(server: str, row: Row, _: list[str]) -> str:
    return sc_out.recovery(languages.of(server).say, row)


def _enumdepend(server: str, row: Row, _: list[str]) -> str:
    needing = machine.needing(machine.services(server), row["name"])
    return sc_out.enumerated(languages.of(server).say, [_status(server, other, "query") for other in needing])


_CHANGING = ("stop", "start", "config")
_COMMANDS: dict[str, Callable[[str, Row, list[str]], str]] = {
    "query": _query,
    "queryex": _queryex,
    "stop": _stop,
    "start": _start,
    "config": _config,
    "qc": _qc,
    "qfailure": _qfailure,
    "enumdepend": _enumdepend,
}
