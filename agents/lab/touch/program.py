"""What the lab gives an agent as Touch: it orders the reference Touch to close and to start, through files."""

import asyncio
import time
from pathlib import Path

from agents.hosts.touch.elsewhere import NoTouch
from agents.hosts.touch.program import POLL_S, TouchState, busy
from agents.lab.touch import state

KILLED_S = 10.0  # a killed process of the lab is back long before


class LabTouch(NoTouch):
    """The Touch of the terminal in one folder. The machine under it cannot be restarted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        state.withdraw(folder)  # an order of an agent that was killed: its successor decides anew

    async def state(self) -> TouchState:
        now = state.read(self._folder)
        if now is None:
            return await super().state()
        return TouchState(now.running, round(now.since * 1000) if now.running else None)

    def check(self) -> None:
        """Nothing: the program that the profile names is not looked at in the lab."""

    async def close(self, limit_s: float, *, kill: bool) -> None:
        if not (await self.state()).running:
            return
        state.order(self._folder, "closed")
        if await self._ends(limit_s):
            return
        if kill:
            state.order(self._folder, "killed")
        elif state.withdraw(self._folder):
            raise busy(limit_s)
        if not await self._ends(KILLED_S):  # it was killed, or has begun to close at the last moment
            raise busy(limit_s)

    async def start(self) -> None:
        state.order(self._folder, "running")

    async def _ends(self, within_s: float) -> bool:
        end = time.monotonic() + within_s
        while (await self.state()).running:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(POLL_S)
        return True
