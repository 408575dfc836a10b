"""The sums over a cutover's terminals that its pages show: how many, how long, how much longer."""

import datetime as dt
from dataclasses import dataclass

from fleet.cutover.states import COUNTS_AS_FAILED
from fleet.cutover.states import Run as R
from fleet.services import clock

OPEN = (R.PENDING, R.ARMED, R.SWITCHING)
SHORTEST_S = 0.5  # a pace that was measured over less time says nothing


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts and times over the terminals of one cutover."""

    total: int
    by_state: dict[str, int]  # only states that occur
    wave: int | None  # the open wave, counted from 0; None where none is open
    waves: int
    limit: int | None  # how many terminals of the open wave may fail
    median_ms: int | None  # of the outages
    worst_ms: int | None  # the longest outage or cut-off that is over
    cut_off: int  # how many terminals are cut off now
    cut_off_since: dt.datetime | None  # since when the first of them is
    eta_s: float | None  # seconds left at the pace so far; None without a pace
    by_word: int = 0  # how many are verified by a person's word alone

    def of(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(self.by_state.get(s, 0) for s in states)

    @property
    def failed(self) -> int:
        return self.of(*COUNTS_AS_FAILED)

    def worst_at(self, now: dt.datetime) -> int | None:
        """The longest outage or cut-off in milliseconds, including those that still last; None where there was none."""
        lasts = clock.to_ms(now) - clock.to_ms(self.cut_off_since) if self.cut_off_since else None
        return max((ms for ms in (self.worst_ms, lasts) if ms is not None), default=None)


def seconds_left(by_state: dict[str, int], *, back: bool, since_server_s: float | None) -> float | None:
    """Seconds until the last terminal is done, from the pace so far. back: whether this is a rollback. since_server_s: seconds
    since the server was done; None while it is not. None where there is no pace yet, or nothing is left."""
    done = by_state.get(R.RESTORED if back else R.VERIFIED, 0)
    left = by_state.get(R.UNDOING, 0) if back else sum(by_state.get(s, 0) for s in OPEN)
    if not done or not left or since_server_s is None:
        return None
    return left * max(SHORTEST_S, since_server_s) / done
