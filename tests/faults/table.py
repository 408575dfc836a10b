"""Every named point, on every way that passes it, once and twice in a row: the process dies there, and the site
has to come to the same good end."""

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

WAKE_LIMIT_S = 15.0
LATER_S = 3.0
GOOD_END = {FORWARD: "completed", BACK: "rolled_back"}


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table. part: the process that is to die where several share the code."""

    point: Point
    way: str
    times: int
    part: str | None = None

    @property
    def starts_later(self) -> bool:
        """Passed only when the clock begins the cutover."""
        return self.point.starts_later or self.part == "worker"

    @property
    def name(self) -> str:
        """The point, and whose it is where that is a question."""
        return f"{self.point.name} in {self.part}" if self.part else self.point.name


@dataclass(slots=True)
class Row:
    """deaths: how often the point was fatal; end: the state afterwards; reason: why it turned round or stopped."""

    case: Case
    deaths: int = 0
    end: str = ""
    reason: str = ""
    violations: list[Violation] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Died there at least once, and everything that must hold at rest holds; a way back has only one good end.
        (Some points are passed once on a way, such as the press of a button: there is no second death to be had.)"""
        return self.deaths > 0 and not self.violations and (self.undisturbed or self.case.way == FORWARD)

    @property
    def undisturbed(self) -> bool:
        """It even ended as if nothing had happened; on a machine that is slow, arming may give up instead."""
        return self.end == GOOD_END[self.case.way]


def cases(times: Iterable[int] = (1, 2)) -> list[Case]:
    """The whole table."""
    return [
        Case(point, way, n, part)
        for n in times
        for point in points.every()
        for way in point.ways
        for part in point.parts or (None,)
        if part != "worker" or way == FORWARD
    ]


class Table:
    """Runs cases on one site: a cutover takes a case on its way forward and another on its way back."""

    def __init__(self, site: Site, told: Callable[[Row], None]) -> None:
        self.site, self.told = site, told

    def run(self, todo: Iterable[Case]) -> list[Row]:
        """One row per case, in the order in which they were run."""
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
        """Why the plan, and not a person, left the way forward."""
        bad = ("rolling_back", "paused", "needs_person")
        log = self.site.transitions(trial.number)
        return "; ".join(t["reason"] for t in log if t["device"] is None and t["to"] in bad and t["actor"] == "plan")


def _soon() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=LATER_S)).isoformat()
