"""One trial: a cutover with its faults, judged after its end; then the site is brought back to HTTP for the next one."""

import time
from dataclasses import dataclass, field
from typing import Any

from fleet.management.demo.client import ApiError
from fleet.management.demo.site import UNANSWERED, SiteFailed
from tests.faults import truth
from tests.faults.drive import Driver
from tests.faults.injector import Injector
from tests.faults.invariants import Violation, identical
from tests.faults.plan import Plan
from tests.faults.site import Site

BACK_LIMIT_S = 45.0  # how long the site may take to be as before


@dataclass(slots=True)
class Result:
    """What came of one trial."""

    plan: Plan
    end: str = ""  # the state in which the cutover was judged
    # From the end of the last fault until the cutover had ended and nothing was wrong, or until it waited for a person.
    recovery_s: float | None = None
    seconds: float = 0.0  # the whole trial
    violations: list[Violation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what happened when
    cutover: dict[str, Any] = field(default_factory=dict)  # as the API tells it
    log: list[dict[str, Any]] = field(default_factory=list)  # its transitions


class Trial:
    """One trial on a site. Call run() once, then bring_back()."""

    def __init__(self, site: Site, plan: Plan) -> None:
        self.site, self.plan, self.result = site, plan, Result(plan)
        self.before = site.snapshot()
        self.number = 0
        self.driver = Driver(site, lambda: self.number, self.press, self.result.said.append, self.result.violations)
        self.driver.liars = frozenset(site.names[i] for i in plan.liars)

    def run(self) -> Result:
        """Disturb the site and judge it. Errors of the product become violations and are not raised."""
        begun = time.monotonic()
        try:
            self._run()
        except (SiteFailed, ApiError, *UNANSWERED) as error:
            self.result.violations.append(Violation("no_rest", f"the site could not be driven: {error!r}"))
        self.result.seconds = time.monotonic() - begun
        return self.result

    def bring_back(self) -> bool:
        """Roll back what is not on HTTP. Returns whether the site is as it was before the trial; otherwise it adds violations.
        A liar that only claims to be back, and that attention names, waits for a person: that is no violation, but the
        site is not as before."""
        try:
            self._roll_back()
            self.site.wait(lambda: self._as_before() or self._left_to_a_person(), BACK_LIMIT_S, "the site to be as before")
        except (SiteFailed, ApiError, *UNANSWERED) as error:
            wrong = identical(self.before, self.site.snapshot())
            self.result.violations += wrong or [Violation("not_back", f"{error}; {self._where()}")]
        return not self.result.violations and not self._left_to_a_person()

    # -- what a person does

    def press(self, verb: str) -> str:
        """Press a button. If the window is too short for the times that were measured before, plan again with an hour."""
        answer = self.site.press(self.number, verb)
        if verb == "start" and "cannot fit" in answer:
            self.number = self._draft({**self.plan.body, "duration_minutes": 60})
            return f"{answer}; planned again: {self.site.press(self.number, verb)}"
        return answer

    def plan_it(self) -> None:
        """Make the draft, before any fault begins."""
        self.number = self._draft(self.plan.body)

    def state(self) -> str:
        """The cutover's state now."""
        return str(self.site.wait(lambda: self.site.cutover(self.number), BACK_LIMIT_S, "the dashboard")["state"])

    def _draft(self, body: dict[str, Any]) -> int:
        return int(self.site.client.post("/cutovers", {"site": self.site.facts["site"], **body})["id"])

    # -- the trial

    def _run(self) -> None:
        self.plan_it()
        button = "start"
        if self.plan.way == "back":
            self._forward_first()
            button = "roll_back"
        injector = Injector(self.site, self.plan, self.press)
        injector.said = self.result.said
        self.driver.said = injector.note
        injector.run(button)
        ceased = time.monotonic()
        self._judge(button, ceased)

    def _forward_first(self) -> None:
        """Run a cutover without faults. On a busy machine arming may give up and roll back, which is correct; then it is
        tried again, three times in all. Raises SiteFailed."""
        for _ in range(3):
            self.press("start")
            end = self.driver.to_rest(iter(()), "start", started)
            self.driver.ended_at = None
            if end is not None and end["state"] == "completed":
                return
            self.result.said.append(f"a cutover without faults ended as {end and end['state']}: {end and end['reason']}")
            self._roll_back()
            self.plan_it()
        raise SiteFailed("; ".join(self.result.said[-3:]))

    def _judge(self, button: str, ceased: float) -> None:
        pressed = started if button == "start" else turned
        end = self.driver.to_rest(iter(self.plan.presses), button, pressed)
        first = self.driver.ended_at
        cutover, wrong = self.driver.judge(self.before)
        self.result.violations += wrong
        if end is not None and first is not None and not wrong:
            # The recovery ends when the cutover waits for a person; otherwise when also nothing is wrong any more.
            until = first if any("paused (" in line for line in self.result.said) else time.monotonic()
            self.result.recovery_s = max(0.0, until - ceased)
        self.result.end, self.result.cutover = cutover.get("state", "?"), cutover
        self.result.log = self.site.transitions(self.number)

    # -- the way back

    def _roll_back(self) -> None:
        for _ in range(3):
            cutover = self.site.wait(lambda: self.site.cutover(self.number), BACK_LIMIT_S, "the dashboard")
            if cutover["state"] in ("rolled_back", "cancelled"):
                return
            verb = "cancel" if cutover["state"] in ("draft", "scheduled") else "roll_back"
            self.driver.said(f"bring back: {verb}: {self.press(verb)}")
            self.driver.to_rest(iter(()), verb, lambda c: c["state"] not in ("draft", "scheduled", "completed"))
        raise SiteFailed("rolled back three times")

    def _as_before(self) -> bool:
        same = not identical(self.before, self.site.snapshot())
        return same and truth.look(self.site).all_on("http") and self.site.all_alive() and self.site.connected()

    def _left_to_a_person(self) -> set[str]:
        """The liars that are not as before and that attention names. Empty if anything else is not as before."""
        seen, changed = truth.look(self.site), {v.text.split(":")[0] for v in identical(self.before, self.site.snapshot())}
        wrong = {name for name, terminal in seen.terminals.items() if not terminal.ok or terminal.scheme != "http"}
        theirs = wrong & self.driver.liars & self.site.attention()
        rest = changed - {f"terminals/{name}/TouchSettings.xml" for name in theirs}
        others = wrong != theirs or rest or seen.spoken != "http" or not self.site.all_alive() or not self.site.connected()
        return set() if others else theirs

    def _where(self) -> str:
        seen = truth.look(self.site)
        bad = [
            f"{name}: {terminal.scheme} {terminal.why}"
            for name, terminal in seen.terminals.items()
            if not terminal.ok or terminal.scheme != "http"
        ]
        return f"server speaks {seen.spoken}, {'; '.join(bad)}, agents connected: {self.site.connected()}"


def started(cutover: dict[str, Any]) -> bool:
    """Whether pressing Start has had its effect."""
    return bool(cutover["state"] != "draft")


def turned(cutover: dict[str, Any]) -> bool:
    """Whether pressing Roll back on a completed cutover has had its effect."""
    return bool(cutover["direction"] == "back" or cutover["state"] != "completed")
