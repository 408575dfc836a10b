"""The reference Touch itself, as its terminal sees it: where the terminal's settings come from, and whether Touch runs.

When its process was killed, Touch was killed with it: it has written nothing back. The restart of the process then is the next
start of Touch, if it ran. A Touch that was closed stays closed."""

import asyncio
import os
import time
from pathlib import Path
from typing import Protocol

from agents.lab.faults import Faults
from agents.lab.touch import state
from agents.lab.touch.state import State

LOOK_S = 0.05
SETTINGS = "TouchSettings.xml"


class Touch(Protocol):
    """What a terminal's lookups need of Touch."""

    def settings(self) -> bytes:
        """The settings that it works with now. Raises OSError where it does not run, or where they cannot be read."""

    async def run(self) -> None:
        """Run until cancelled, or until there is nothing to do."""


class LiveTouch:
    """Reads its settings anew for every lookup. It always runs."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SETTINGS

    def settings(self) -> bytes:
        return self._path.read_bytes()

    async def run(self) -> None:
        """There is nothing to do."""


class CachingTouch:
    """Reads its settings when it starts and writes them back, as it has read them, when it ends."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self._folder, self._faults = folder, faults
        self._cached: bytes | None = None  # None while it does not run
        before = state.read(folder)
        if before is not None and before.running:
            self._start()

    def settings(self) -> bytes:
        if self._cached is None:
            raise OSError("Touch is closed")
        return self._cached

    async def run(self) -> None:
        """Obey the orders, for ever."""
        if want := state.taken(self._folder):  # the process was killed in the middle of it
            self._obey(want)
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Take the order that is there, if any, and carry it out. In a sale it does not close."""
        want = state.ordered(self._folder)
        if want is None or (want == "closed" and self._faults.terminal(self._folder.name).in_sale):
            return
        if taken := state.take(self._folder):
            self._obey(taken)

    def _obey(self, want: str) -> None:
        if want == "running":
            if self._cached is None:
                self._start()
        elif self._cached is not None:
            if want == "closed":
                self._write_back(self._cached)
            self._cached = None
            state.write(self._folder, State(False, time.time()))
            state.note(self._folder, want)
        state.done(self._folder)

    def _start(self) -> None:
        since = time.time()
        self._cached = (self._folder / SETTINGS).read_bytes()
        state.write(self._folder, State(True, since))
        state.note(self._folder, "started")

    def _write_back(self, data: bytes) -> None:
        temp = self._folder / ".TouchSettings.written"
        temp.write_bytes(data)
        os.replace(temp, self._folder / SETTINGS)


def of(folder: Path, faults: Faults) -> Touch:
    """The Touch of the terminal in this folder."""
    return LiveTouch(folder) if state.read(folder) is None else CachingTouch(folder, faults)
