"""Touch on Windows. It is closed and started in the session of the user, who has the screen. An agent that is a service runs
in another session and starts programs there; an agent that a person has started does the same in its own session."""

import asyncio
import contextlib
import ntpath
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agents.errors import StepError
from agents.hosts.touch.program import TouchProgram, TouchState, busy, no_user_session, not_started
from agents.profiles.restart import TouchRestart
from agents.winapi import processes, restarting, sessions, top_windows
from agents.winapi.dll import Refused
from agents.winapi.processes import Process
from agents.winapi.sessions import NobodyLoggedIn

USUAL_NAME = "Touch.exe"  # looked for where the profile names none; that it is not there then says nothing
LOOK_S = 0.25  # between two looks whether Touch has ended
ASK_S = 1.0  # between two attempts to find a window that can be asked to close
HELPER_S = 10.0  # how long the helper in the user's session may take
KILLED_S = 5.0  # until a program that was ended hard is gone
GRACE_S = 20  # how long the message stands before the machine is restarted
MESSAGE = "Tillway restarts this terminal in a moment, because its settings have been changed."
CLOSER = "agents.commands.close_window"
T = TypeVar("T")


class WindowsTouch(TouchProgram):
    """restart: the profile's section."""

    def __init__(self, restart: TouchRestart) -> None:
        self._restart = restart
        self._name = restart.name or USUAL_NAME

    async def state(self) -> TouchState:
        found = await _windows(processes.named, self._name)
        if not found:
            return TouchState(False if self._restart.name else None)
        return TouchState(True, min((one.started_ms for one in found if one.started_ms is not None), default=None))

    def check(self) -> None:
        start = self._restart.start
        if start is not None and not Path(start).is_file():
            raise not_started(f"{start} is not there")
        if self._restart.how == "reboot":
            self.boot()

    async def close(self, limit_s: float, *, kill: bool) -> None:
        end, asked, ask_at = time.monotonic() + limit_s, False, 0.0
        while found := await _windows(processes.named, self._name):
            now = time.monotonic()
            if now > end:
                await self._end(found, limit_s, kill=kill)
                return
            if not asked and now >= ask_at:
                asked, ask_at = await _windows(_ask_to_close, found), now + ASK_S
            await asyncio.sleep(LOOK_S)

    async def start(self) -> None:
        start = self._restart.start
        if start is None:
            raise not_started("its profile does not say how")
        await _windows(_start, start, self._restart.arguments)

    async def reboot(self, limit_s: float) -> None:
        await _windows(restarting.restart, MESSAGE, GRACE_S)
        await asyncio.sleep(GRACE_S + limit_s)  # the machine goes down meanwhile, and this process with it
        with contextlib.suppress(Refused):  # it has begun, and somebody keeps it from ending
            await asyncio.to_thread(restarting.abort)

    def boot(self) -> str:
        try:
            return restarting.boot_id()
        except Refused as error:
            raise _failed(error) from error

    async def _end(self, found: list[Process], limit_s: float, *, kill: bool) -> None:
        if not kill:
            raise busy(limit_s)
        for one in found:
            with contextlib.suppress(Refused):  # it may have ended just now; what counts is whether it is gone
                await asyncio.to_thread(processes.end, one.pid)
        end = time.monotonic() + KILLED_S
        while await _windows(processes.named, self._name):
            if time.monotonic() > end:
                raise busy(limit_s)
            await asyncio.sleep(LOOK_S)


def _ask_to_close(found: list[Process]) -> bool:
    """Ask the windows of these programs to close. Returns whether one was found that can be asked."""
    if not sessions.as_service():
        return top_windows.ask_to_close([one.pid for one in found]) > 0
    asked = False
    for session in {one.session for one in found}:
        pids = [str(one.pid) for one in found if one.session == session]
        folder = str(Path(__file__).parents[3])  # where Python finds `agents`
        code = sessions.run(sys.executable, ["-m", CLOSER, *pids], folder, session=session, limit_s=HELPER_S)
        asked = asked or code == 0
    return asked


def _start(program: str, arguments: tuple[str, ...]) -> None:
    session = sessions.user_session() if sessions.as_service() else None
    sessions.start(program, arguments, ntpath.dirname(program), session=session)


async def _windows(act: Callable[..., T], *arguments: object) -> T:
    """The result of this function of Windows, which may block. Raises StepError."""
    try:
        return await asyncio.to_thread(act, *arguments)
    except NobodyLoggedIn:
        raise no_user_session() from None
    except Refused as error:
        raise _failed(error) from error


def _failed(error: Refused) -> StepError:
    remedy = "Run the agent as LocalSystem, and check in [restart] of this terminal's profile how Touch is started."
    return StepError("restart_failed", f"Touch could not be restarted: {error.strerror}", remedy, retryable=True)
