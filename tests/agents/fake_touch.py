"""A Touch that reads its settings when it starts and writes them back when it ends, on a machine that can be restarted. The
agent's process can be made to die at every act: of Touch, of its settings file, and between the stages of a step."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from fake_windows import Crash

from agents.files import Files
from agents.hosts.touch.program import TouchProgram, TouchState, busy, no_user_session


@dataclass
class Acts:
    """Everything that happens, in order, and at which of it the process dies: before it has happened, or after it (late)."""

    done: list[str] = field(default_factory=list)
    crash_at: int = 0  # 0: never
    late: bool = False

    def begin(self, what: str) -> None:
        self.done.append(what)
        if len(self.done) == self.crash_at and not self.late:
            raise Crash(what)

    def end(self) -> None:
        if len(self.done) == self.crash_at and self.late:
            raise Crash(self.done[-1])

    def between(self, role: str, step: str, stage: str) -> None:
        """In place of agents.failpoints.step."""
        self.begin(f"{step} {stage}")
        self.end()


class FakeTouch(TouchProgram):
    """It outlives the agent's processes."""

    def __init__(self, settings: Path, acts: Acts) -> None:
        self._settings, self._acts = settings, acts
        self.cached: bytes | None = None  # None: it does not run
        self.since_ms: int | None = None
        self.in_sale = False
        self.starts = self.kills = self.reboots = 0
        self.twice = 0  # it was started while it ran, or while it was starting
        self.slow = 0  # how often it is looked for until it shows up after its start
        self.never_starts = False
        self.nobody_for = 0  # how many starts fail because nobody is logged in
        self.opens_itself = False  # when somebody logs in
        self.starts_with_machine = True
        self._coming: int | None = None
        self._boot = 1
        self.open()

    @property
    def running(self) -> bool:
        return self.cached is not None

    @property
    def secure(self) -> bool:
        assert self.cached is not None, "Touch does not run"
        return b"<Secured>True</Secured>" in self.cached

    def open(self) -> None:
        """A person starts it, or the machine does."""
        self.cached, self.since_ms = self._settings.read_bytes(), time.time_ns() // 1_000_000

    def end(self) -> None:
        """It ends by itself, and writes its settings back."""
        if self.cached is not None:
            self._settings.write_bytes(self.cached)
        self.cached = self.since_ms = None

    async def state(self) -> TouchState:
        if self._coming is not None:
            self._coming -= 1
            if self._coming < 0:
                self._coming = None
                self.open()
        return TouchState(self.running, self.since_ms)

    def check(self) -> None:
        """It can be restarted."""

    async def close(self, limit_s: float, *, kill: bool) -> None:
        self._acts.begin("close")
        if self.running and self.in_sale:
            if not kill:
                raise busy(limit_s)
            self.kills += 1
            self.cached = self.since_ms = None
        self.end()
        self._acts.end()

    async def start(self) -> None:
        self._acts.begin("start")
        if self.nobody_for:
            self.nobody_for -= 1
            if not self.nobody_for and self.opens_itself:
                self.open()
            raise no_user_session()
        self.starts += 1
        self.twice += self.running or self._coming is not None
        if not self.never_starts:
            self._coming = self.slow
            await self.state()
        self._acts.end()

    async def reboot(self, limit_s: float) -> None:
        self._acts.begin("reboot")
        if self.in_sale:
            return
        self.boots_again()
        raise Crash("the machine restarts")

    def boots_again(self) -> None:
        """The machine is restarted by whomever."""
        self.end()
        self.reboots += 1
        self._boot += 1
        if self.starts_with_machine:
            self.open()

    def boot(self) -> str:
        return f"boot {self._boot}"


class WatchedFiles(Files):
    """The settings file. Writing it is an act, and must not happen while Touch has it open."""

    def __init__(self, touch: FakeTouch, acts: Acts) -> None:
        self._touch, self._acts = touch, acts
        self.while_running = 0
        self.refuses = False

    def write(self, path: Path, data: bytes) -> None:
        self._acts.begin("write")
        if self.refuses:
            raise PermissionError(13, "Permission denied", str(path))
        self.while_running += self._touch.running
        super().write(path, data)
        self._acts.end()
