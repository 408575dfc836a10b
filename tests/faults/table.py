"""Lets a process die at every named point, on every way that reaches it, once and twice in a row. The cutover must come to
the same good end each time."""

import datetime as dt
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.faults import points
from tests.faults.invariants import Violation
from tests.faults.plan import Plan
from tests.faults.points import BACK, FORWARD, Point
from tests.faults.site import Site
from tests.faults.trial import Trial, started, turned

WAKE_LIMIT_S = 15.0  # how long killed processes may take to reach the point again
LATER_S = 3.0  # how far ahead a cutover is planned that a tick is to begin
GOOD_END = {FORWARD: "completed", BACK: "rolled_back"}


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    point: Point
    way: str  # "forward" or "back"
    times: int  # deaths in a row
    part: str | None = None  # the process that is to die, where several share the code

    @property
    def starts_later(self) -> bool:
        """Whether it is reached only when a tick begins the cutover."""
        return self.point.starts_later or self.part == "worker"

    @property
    def name(self) -> str:
        """The point's name, with the process where several share it."""
        return f"{self.point.name} in {self.part}" if self.part else self.point.name


@dataclass(slots=True)
class Row:
    """What came of one case."""

    case: Case
    deaths: int = 0  # how often a process died at the point
    end: str = ""  # the cutover's state afterwards
    reason: str = ""  # why it rolled back or stopped by itself
    violations: list[Violation] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether a process died there at least once and nothing is wrong afterwards. A way back has only one good end.
        (Some points are reached only once on a way, such as the press of a button, so there is no second death.)"""
        return self.deaths > 0 and not self.violations and (self.undisturbed or self.case.way == FORWARD)

    @property
    def undisturbed(self) -> bool:
        """Whether it ended as without a fault. On a slow machine, arming may give up instead, which is also good."""
        return self.end == GOOD_END[self.case.way]


def cases(times: Iterable[int] = (1, 2), *, restarts: bool = False) -> list[Case]:
    """All cases of the table. times: deaths in a row; restarts: with those that need a lab whose Touch is restarted."""
    return [
        Case(point, way, n, part)
        for n in times
        for point in points.every()
        if restarts or not point.restarts
        for way in point.ways
        for part in point.parts or (None,)
        if part != "worker" or way == FORWARD
    ]


class Table:
    """Runs cases on one site. Each cutover serves one case on its way forward and another on its way back. told(row) is
    called after each case."""

    def __init__(self, site: Site, told: Callable[[Row], None]) -> None:
        self.site, self.told = site, told

    def run(self, todo: Iterable[Case]) -> list[Row]:
        """Run these cases. Returns one row for each, in the order in which they were run."""
        todo = list(todo)
        ways = ([c for c in todo if c.way == FORWARD], [c for c in todo if c.way == BACK])
        rows: list[Row] = []
        again: list[Case] = []
        for number, (forward, back) in enumerate(zip_longest(*ways)):
            done = self._cycle(number, forward, back)
            again += [back] if back and not any(row.case is back for row in done) else []
            self._keep(rows, done)
        for number, back in enumerate(again):
            self._keep(rows, self._cycle(len(todo) + number, None, back) or [Row(back, 0, "never on the way back")])
        return rows

    def _keep(self, rows: list[Row], done: list[Row]) -> None:
        for row in done:
            rows.append(row)
            self.told(row)

    def _cycle(self, number: int, forward: Case | None, back: Case | None) -> list[Row]:
        body = {"starts_at": None} if forward is None or not forward.starts_later else {"starts_at": _soon()}
        trial = Trial(self.site, Plan(0, number, body, FORWARD, (), ()))
        rows = [Row(forward)] if forward else []
        trial.plan_it()
        self._way(trial, rows[0] if rows else None, "start")
        if back and trial.state() == "completed":
            rows.append(Row(back))
            self._way(trial, rows[-1], "roll_back")
        if not trial.bring_back():
            for row in rows[-1:]:
                row.violations += [v for v in trial.result.violations if v not in row.violations]
            self.site.restart()
        return rows

    def _way(self, trial: Trial, row: Row | None, button: str) -> None:
        if row:
            self.site.arm(row.case.point.name, row.case.times, row.case.part)
            if row.case.point.wake:
                self.site.signal(row.case.point.wake, signal.SIGKILL)
                self.site.wait(lambda: self.site.armed() == 0, WAKE_LIMIT_S, row.case.point.name)
        trial.press(button)
        trial.driver.to_rest(iter(()), button, started if button == "start" else turned)
        left = self.site.armed()
        self.site.disarm()
        cutover, wrong = trial.driver.judge(trial.before)
        if row:
            row.deaths, row.end, row.reason = row.case.times - left, cutover.get("state", "?"), self._reason(trial)
            row.violations += [*trial.driver.violations, *wrong]

    def _reason(self, trial: Trial) -> str:
        """The reasons for which the plan, and not a person, rolled back or stopped."""
        bad = ("rolling_back", "paused", "needs_person")
        log = self.site.transitions(trial.number)
        return "; ".join(t["reason"] for t in log if t["device"] is None and t["to"] in bad and t["actor"] == "plan")


def _soon() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=LATER_S)).isoformat()
