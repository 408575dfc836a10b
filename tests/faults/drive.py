"""Waits until a cutover has ended, and does meanwhile what a person would do."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults import invariants, truth
from tests.faults.invariants import Liars, Violation
from tests.faults.site import Site

REST_LIMIT_S = 120.0  # a cutover that takes longer does not end
# After the end, a till that has just come back may still be switching. If it takes longer than this, that is a violation.
GRACE_S = 30.0
HEALS_S = 60.0  # the same where a liar was: the lease of its honest agent must run out before it follows its server
LOOK_S = 0.1


@dataclass(slots=True)
class Driver:
    """Drives one cutover to its end."""

    site: Site
    number: Callable[[], int]  # of the cutover
    press: Callable[[str], str]  # presses the button of a verb; returns what came of it
    said: Callable[[str], None]  # notes what was done
    violations: list[Violation] = field(default_factory=list)  # what was wrong on the way
    liars: frozenset[str] = frozenset()  # terminals whose agent a hostile program replaced
    ended_at: float | None = None  # time.monotonic() when it had ended or was paused for the first time

    def to_rest(self, presses: Iterator[str], button: str, pressed: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The cutover when it has ended, or None if it never does. Where it is paused, the next of `presses` is pressed.
        pressed(cutover): whether `button` has had its effect; if not, it is pressed again, as a person does who got no
        answer."""
        end = time.monotonic() + REST_LIMIT_S
        last: dict[str, Any] | None = None
        while time.monotonic() < end:
            cutover = self.site.cutover(self.number())
            last = cutover or last
            if cutover is None:
                pass
            elif not pressed(cutover):
                self.said(f"again {button}: {self.press(button)}")
            elif invariants.at_rest(cutover):
                self.ended_at = self.ended_at or time.monotonic()
                return cutover
            elif cutover["state"] == "paused" and not _moving(cutover):
                self.ended_at = self.ended_at or time.monotonic()
                self._paused(cutover, next(presses, "roll_back"))
                end = time.monotonic() + REST_LIMIT_S
            time.sleep(LOOK_S)
        self.violations.append(Violation("no_rest", f"not at rest after {REST_LIMIT_S:.0f} s: {_words(last)}"))
        return None

    def judge(self, before: dict[str, Any]) -> tuple[dict[str, Any], list[Violation]]:
        """The cutover and what is wrong after its end. It waits up to GRACE_S or HEALS_S until nothing is wrong any more."""
        end = time.monotonic() + (HEALS_S if self.liars else GRACE_S)
        while True:
            cutover = self.site.cutover(self.number())
            if cutover is not None:
                found = self._wrong(cutover, before)
                if not found or time.monotonic() > end:
                    return cutover, found
            elif time.monotonic() > end:
                return {}, [Violation("no_rest", "the dashboard does not answer")]
            time.sleep(LOOK_S)

    def _wrong(self, cutover: dict[str, Any], before: dict[str, Any]) -> list[Violation]:
        log = self.site.transitions(self.number())
        liars = Liars(self.liars, self.site.attention() if self.liars else ())
        return invariants.check(cutover, log, truth.look(self.site), before, self.site.snapshot(), liars)

    def _paused(self, cutover: dict[str, Any], verb: str) -> None:
        self.violations += invariants.no_reason(cutover, self.site.transitions(self.number()))
        answer = self.press(verb)
        self.said(f"paused ({cutover['reason']}): {verb}: {answer}")
        if verb == "retry_failed" or answer.startswith("refused"):
            # Retried terminals wait for the cutover to go on.
            self.said(f"then resume: {self.press('resume')}")


def _moving(cutover: dict[str, Any]) -> bool:
    return any(run["state"] in invariants.IN_MOTION for run in cutover["device_runs"])


def _words(cutover: dict[str, Any] | None) -> str:
    if cutover is None:
        return "the dashboard did not answer"
    runs = ", ".join(f"{r['device']} {r['state']} {r['step'] or ''}" for r in cutover["device_runs"])
    return f"{cutover['state']} ({cutover['reason']}): {runs}"
