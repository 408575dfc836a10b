"""Every named point, on every way that passes it, once and twice in a row: the process dies there, and the site
has to come to the same good end."""

import datetime as dt
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from fleet.management.faults import points
from fleet.management.faults.invariants import Violation
from fleet.management.faults.plan import Plan
from fleet.management.faults.points import BACK, FORWARD, Point
from fleet.management.faults.site import Site
from fleet.management.faults.trial import Trial, started, turned

WAKE_LIMIT_S = 15.0
LATER_S = 3.0
GOOD_END = {FORWARD: "completed", BACK: "rolled_back"}


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    point: Point
    way: str
    times: int


@dataclass(slots=True)
class Row:
    """deaths: how often the point was fatal; end: the state afterwards."""

    case: Case
    deaths: int = 0
    end: str = ""
    violations: list[Violation] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Died there at least once, and everything came to the end that was wanted. (Some points are passed only
        once on a way, such as the press of a button: there is no second death to be had.)"""
        return self.deaths > 0 and not self.violations and self.end == GOOD_END[self.case.way]


def cases(times: Iterable[int] = (1, 2)) -> list[Case]:
    """The whole table."""
    return [Case(point, way, n) for n in times for point in points.every() for way in point.ways]


class Table:
    """Runs cases on one site: a cutover takes a case on its way forward and another on its way back."""

    def __init__(self, site: Site, told: Callable[[Row], None]) -> None:
        self.site, self.told = site, told

    def run(self, todo: Iterable[Case]) -> list[Row]:
        """One row per case, in the order in which they were run."""
        todo = list(todo)
        ways = ([c for c in todo if c.way == FORWARD], [c for c in todo if c.way == BACK])
        rows: list[Row] = []
        for number, pair in enumerate(zip_longest(*ways)):
            for row in self._cycle(number, *pair):
                rows.append(row)
                self.told(row)
        return rows

    def _cycle(self, number: int, forward: Case | None, back: Case | None) -> list[Row]:
        body = {"starts_at": None} if forward is None or not forward.point.starts_later else {"starts_at": _soon()}
        trial = Trial(self.site, Plan(0, number, body, FORWARD, (), ()))
        rows = [Row(case) for case in (forward, back) if case]
        trial.plan_it()
        self._way(trial, rows[0] if forward else None, "start")
        if back and trial.state() == "completed":
            self._way(trial, rows[-1], "roll_back")
        if not trial.bring_back():
            rows[-1].violations += [v for v in trial.result.violations if v not in rows[-1].violations]
            self.site.restart()
        return rows

    def _way(self, trial: Trial, row: Row | None, button: str) -> None:
        if row:
            self.site.arm(row.case.point.name, row.case.times)
            if row.case.point.wake:
                self.site.signal(row.case.point.wake, signal.SIGKILL)
                self.site.wait(lambda: self.site.armed() == 0, WAKE_LIMIT_S, row.case.point.name)
        trial.press(button)
        trial.driver.to_rest(iter(()), button, started if button == "start" else turned)
        left = self.site.armed()
        self.site.disarm()
        cutover, wrong = trial.driver.judge(trial.before)
        if row:
            row.deaths, row.end = row.case.times - left, cutover.get("state", "?")
            row.violations += [*trial.driver.violations, *wrong]


def _soon() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=LATER_S)).isoformat()
