"""Reads and changes Windows services with sc. `sc stop` returns while the service is still stopping, so the functions here wait
for the state. They never kill a process."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import TypeVar

from agents.errors import StepError
from agents.hosts import program, sc_text
from agents.hosts.sc_text import RUNNING, START_PENDING, STOP_PENDING, STOPPED, Service, Status

# A little below the steps' own limits, so that the finding can say what the service was doing.
STOP_LIMIT_S = 115.0
START_LIMIT_S = 175.0
STALL_S = 60.0
_BUFFER = "65536"  # bytes for the response; the default of sc is too small
_LARGEST_BUFFER = "262144"  # Windows' largest, for the list of all services

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9_.$ (){}@#+~-]{1,256}")
_START_TYPES = ("auto", "delayed-auto", "demand", "disabled")

_WORDS = {
    5: ("access_denied", "access is denied", "Run the agent as LocalSystem or an administrator."),
    1051: ("service_has_dependents", "other running services depend on it", "Stop those services first."),
    1053: ("service_timeout", "it did not respond in time", "Check the Windows event log."),
    1058: ("service_disabled", "it is disabled", "Set its start type to automatic or manual."),
    1060: ("service_missing", "there is no service of this name", "Correct the service's name in the agent's settings."),
    1061: ("service_busy", "it cannot be controlled at this moment", "Try again in a minute."),
    1068: ("service_dependency", "a service that it needs did not start", "Start that service."),
    1069: ("service_logon", "its account could not log on", "Correct the account's password in services.msc."),
    1072: ("service_marked", "it is marked for deletion", "Close services.msc everywhere, or restart Windows."),
}


async def query(name: str) -> Status:
    """The service's state. Raises StepError, service_missing if there is no such service."""
    return await _read("query", name, sc_text.parse_status)


async def running(name: str) -> bool:
    """Whether the service is in any state other than stopped. Raises StepError."""
    return (await query(name)).state != STOPPED


async def _read(command: str, name: str, parse: Callable[[str], T | None], *more: str) -> T:
    output = await program.run("sc", command, _checked(name), *more)
    if (number := sc_text.error_number(output.text)) is not None:
        raise _failed(name, number, output.text)
    if (found := parse(output.text)) is None:
        raise _unreadable(name, output.text)
    return found


async def start_type(name: str) -> str:
    """auto, delayed-auto, demand or disabled. Raises StepError."""
    return await _read("qc", name, sc_text.parse_start_type)


async def process(name: str) -> int:
    """The service's process id, 0 if it does not run. Raises StepError."""
    return await _read("queryex", name, sc_text.parse_process)


async def restarts_by_itself(name: str) -> bool:
    """Whether Windows has a recovery action for this service, such as restarting it. Raises StepError."""
    return await _read("qfailure", name, sc_text.parse_recovery, _BUFFER)


async def dependents(name: str) -> tuple[str, ...]:
    """The services that need this one. Raises StepError."""
    return await _read("enumdepend", name, sc_text.parse_names, _BUFFER)


async def every() -> tuple[str, ...]:
    """The names of all services, running or not. Raises StepError."""
    output = await program.run("sc", "query", "state=", "all", "bufsize=", _LARGEST_BUFFER)
    if not (found := sc_text.parse_names(output.text)):
        raise _unreadable("all services", output.text)
    return found


async def described(name: str) -> Service | None:
    """The service's shown name and program; None where Windows does not tell them. Raises StepError program_missing or
    program_hung."""
    if not _NAME.fullmatch(name):
        return None
    return sc_text.parse_program(name, (await program.run("sc", "qc", name, _BUFFER)).text)


async def set_start_type(name: str, kind: str) -> None:
    """Change the service's start type, and read it back. Raises StepError."""
    if kind not in _START_TYPES:
        raise StepError("value_refused", f"{kind!r} is not a start type", "Report this to support.")
    output = await program.run("sc", "config", _checked(name), "start=", kind)
    number = sc_text.error_number(output.text)
    if number is not None or await start_type(name) != kind:
        raise _failed(name, number or 0, output.text)


async def stop(name: str) -> None:
    """Stop the service and wait until it is stopped. Does nothing if it is stopped. Raises StepError."""
    status = await query(name)
    if status.state == START_PENDING:
        # Windows refuses to stop a service that is starting (1061), so wait until it runs or has failed.
        status = await _wait(name, lambda state: state != START_PENDING, START_LIMIT_S, "start or give up")
    if status.state == STOPPED:
        return
    if status.state != STOP_PENDING:
        output = await program.run("sc", "stop", _checked(name))
        number = sc_text.error_number(output.text)
        if number not in (None, 1062):
            raise _failed(name, number or 0, output.text)
    await _wait(name, lambda state: state == STOPPED, STOP_LIMIT_S, "stop")


async def start(name: str, status: Status | None = None) -> None:
    """Start the service and wait until it runs. Does nothing if it runs. status: its state, if it was read a moment ago. Raises
    StepError, service_failed_to_start if it stops again."""
    status = status or await query(name)
    if status.state == STOP_PENDING:
        status = await _wait(name, lambda state: state == STOPPED, STOP_LIMIT_S, "stop")
    if status.state == RUNNING:
        return
    if status.state != START_PENDING:
        output = await program.run("sc", "start", _checked(name))
        number = sc_text.error_number(output.text)
        if number not in (None, 1056):
            raise _failed(name, number or 0, output.text)
    status = await _wait(name, lambda state: state in (RUNNING, STOPPED), START_LIMIT_S, "start")
    if status.state == STOPPED:
        raise StepError(
            "service_failed_to_start",
            f"{name} stopped again while it was starting (exit code {status.exit_code})",
            "Check the service's own log and the Windows event log.",
        )


async def _wait(name: str, reached: Callable[[int], bool], limit_s: float, verb: str) -> Status:
    begun = progress = time.monotonic()
    checkpoint = -1
    while True:
        status = await query(name)
        if reached(status.state):
            return status
        now = time.monotonic()
        if status.checkpoint > checkpoint:
            checkpoint, progress = status.checkpoint, now
        if now - begun > limit_s or now - progress > max(status.hint_s, STALL_S):
            raise StepError(
                "service_stuck",
                f"{name} did not {verb} within {now - begun:.0f} s (state {status.state})",
                "Check the service on the server. The agent did not kill it.",
            )
        await asyncio.sleep(min(max(status.hint_s / 10, 0.1), 10.0))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise StepError("value_refused", f"{name!r} is not a service name", "Correct the agent's settings.")
    return name


def _unreadable(name: str, text: str) -> StepError:
    message = f"the output of sc for {name} is not understood: {text.strip()[:200]!r}"
    return StepError("sc_unreadable", message, "Send this to support.")


def _failed(name: str, number: int, text: str) -> StepError:
    if number in _WORDS:
        code, why, remedy = _WORDS[number]
        return StepError(code, f"{name}: {why}", remedy, retryable=number in (1053, 1061))
    return StepError("service_failed", f"{name}: sc failed ({number}): {text.strip()[:300]!r}", "Run the command by hand.")
