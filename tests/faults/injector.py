"""Carries out the faults of one plan at their times, and ends each of them."""

import contextlib
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

from tests.faults.database import NotLocked, Sqlite
from tests.faults.disk import Filler
from tests.faults.hostile.impostor import Impostor
from tests.faults.plan import Fault, Plan
from tests.faults.site import Site

Act = Callable[[], None]


class Injector:
    """Carries out one plan. press(verb): presses a person's button and returns what came of it."""

    def __init__(self, site: Site, plan: Plan, press: Callable[[str], str]) -> None:
        self.site, self.plan, self.press = site, plan, press
        self.said: list[str] = []  # what happened when
        self._begun = 0.0  # time.monotonic() at second 0
        self._due: list[tuple[float, str, Act]] = []  # second, what to note, what to do
        self._in_force: list[Fault] = []  # those that faults.json tells the lab
        self._down: list[Fault] = []  # those that keep groups of processes down
        self._unlocks: dict[int, Act] = {}  # by the fault's id()
        self._impostors: dict[int, Impostor] = {}  # by the fault's id()
        self._filler = Filler(site.folder.parent / "filler")

    def run(self, button: str) -> None:
        """Press the button at second 0, and do everything that the plan says. Returns when all faults have ended."""
        for fault in self.plan.faults:
            self._plan(fault)
        self._due.append((0.0, button, lambda: self._later(button)))
        self._due.sort(key=lambda row: row[0])
        self._begun = time.monotonic() - min(0.0, self._due[0][0])
        with ThreadPoolExecutor(4) as self._pool:  # a button waits for its answer, and the faults must not wait
            try:
                while self._due:
                    at, what, act = self._due[0]
                    if self._now() >= at:
                        self._due.pop(0)
                        self.note(what)
                        self._do(act)
                    else:
                        self._hold_down()
                        self._filler.top_up()
                        time.sleep(min(0.05, max(0.0, at - self._now())))
            finally:
                self._cease()

    def note(self, text: str) -> None:
        """Note this, with the time."""
        self.said.append(f"{self._now():7.2f} s  {text}")

    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _do(self, act: Act) -> None:
        try:
            act()
        except OSError as error:
            self.note(f"not done: {error}")  # the disk is full for this program, too

    def _cease(self) -> None:
        for unlock in self._unlocks.values():
            unlock()
        self._unlocks = {}
        self._filler.empty()
        for impostor in self._impostors.values():
            impostor.back()
        self._impostors = {}
        self._down = []
        self.site.thaw()
        self.site.faults(None)
        if left := self.site.armed():
            self.note(f"the point was reached {_times(self.plan) - left} of {_times(self.plan)} times")
        self.site.disarm()
        self.note("no fault is in force any more")

    def _later(self, verb: str) -> None:
        self._pool.submit(lambda: self.note(f"{verb}: {self.press(verb)}"))

    # -- what each kind does, and when

    def _plan(self, fault: Fault) -> None:
        begin, end = {
            "kill": (lambda: self._kill(fault), None),
            "point": (lambda: self.site.arm(fault.what["point"], fault.what["times"]), self.site.disarm),
            "terminals": (lambda: self._force(fault), lambda: self._lift(fault)),
            "server": (lambda: self._force(fault), lambda: self._lift(fault)),
            "person": (lambda: self._later(fault.what["verb"]), None),
            "freeze": (lambda: self._freeze(fault, signal.SIGSTOP), lambda: self._freeze(fault, signal.SIGCONT)),
            "broker_flush": (self._flush, None),
            "db_lock": (lambda: self._lock(fault), lambda: self._unlock(fault)),
            "disk_full": (self._filler.fill, self._filler.empty),
            "hostile": (lambda: self._replace_agent(fault), lambda: self._bring_agent_back(fault)),
            "restored": (self._back_up, self._restore),
            "down": (lambda: self._down.append(fault), lambda: self._down.remove(fault)),
        }[fault.kind]
        self._due.append((fault.at, f"{fault.kind} {fault.what or ''}", begin))
        at = fault.at
        for gap in fault.what.get("again", ()):
            at += gap
            self._due.append((at, "killed again", begin))
        if end is not None:
            self._due.append((fault.at + fault.seconds, f"end of {fault.kind}", end))

    def _kill(self, fault: Fault) -> None:
        for part in fault.what["parts"]:
            self.site.signal(part["group"], signal.SIGKILL, part["which"])

    def _hold_down(self) -> None:
        for fault in self._down:
            for group in fault.what["groups"]:
                self.site.signal(group, signal.SIGKILL)

    def _freeze(self, fault: Fault, number: signal.Signals) -> None:
        self.site.signal(fault.what["group"], number)

    def _flush(self) -> None:
        with contextlib.closing(
            redis.Redis(unix_socket_path=str(self.site.folder / "broker.sock"), socket_timeout=3)
        ) as broker:
            try:
                broker.flushall()
            except redis.RedisError as error:
                self.note(f"not flushed, the broker is down just now: {error}")

    def _lock(self, fault: Fault) -> None:
        try:
            self._unlocks[id(fault)] = self.site.database.lock()
        except NotLocked as error:
            self.note(f"not locked: {error}")

    def _unlock(self, fault: Fault) -> None:
        if unlock := self._unlocks.pop(id(fault), None):
            unlock()

    def _replace_agent(self, fault: Fault) -> None:
        name = self.site.names[fault.what["who"]]
        impostor = Impostor(self.site, name, fault.what["behaviours"], seed=fault.what["seed"])
        self._impostors[id(fault)] = impostor
        try:
            impostor.take()
        except NotLocked as error:
            self.note(f"not hostile: {error}")

    def _bring_agent_back(self, fault: Fault) -> None:
        if impostor := self._impostors.pop(id(fault), None):
            impostor.back()

    def _back_up(self) -> None:
        assert isinstance(self.site.database, Sqlite)
        try:
            self.site.database.back_up()
        except NotLocked as error:
            self.note(f"no backup: {error}")

    def _restore(self) -> None:
        self.note("an older database is in its place" if self.site.swap_database() else "no backup to restore")

    def _force(self, fault: Fault) -> None:
        self._in_force.append(fault)
        self._write_faults()

    def _lift(self, fault: Fault) -> None:
        self._in_force.remove(fault)
        self._write_faults()

    def _write_faults(self) -> None:
        terminals: dict[str, dict[str, Any]] = {}
        server: dict[str, Any] = {}
        for fault in self._in_force:
            if fault.kind == "server":
                server |= fault.what["faults"]
            for number in fault.what.get("who", ()):
                terminals.setdefault(self.site.names[number], {}).update(fault.what["faults"])
        self.site.faults({"terminals": terminals, "server": server} if terminals or server else None)


def _times(plan: Plan) -> int:
    return next((int(f.what["times"]) for f in reversed(plan.faults) if f.kind == "point"), 0)
