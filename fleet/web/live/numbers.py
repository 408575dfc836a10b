"""The sums over a cutover's terminals that its pages show: how many, how long, how much longer."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min, Q

from fleet.cutover.states import COUNTS_AS_FAILED
from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from fleet.models import Cutover
from fleet.services import clock

OPEN = (R.PENDING, R.ARMED, R.SWITCHING)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts over the terminals. by_state has every state that occurs; limit: how many of the wave that is open may fail;
    median_ms: of the outages; worst_ms: the longest outage or cut-off that is over; cut_off: how many are cut off now, the
    first of them since cut_off_since; eta_s: from the pace so far, None while there is none."""

    total: int
    by_state: dict[str, int]
    wave: int | None
    waves: int
    limit: int | None
    median_ms: int | None
    worst_ms: int | None
    cut_off: int
    cut_off_since: dt.datetime | None
    eta_s: float | None

    def of(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(self.by_state.get(s, 0) for s in states)

    @property
    def failed(self) -> int:
        return self.of(*COUNTS_AS_FAILED)

    def worst_at(self, now: dt.datetime) -> int | None:
        """The longest outage or cut-off in milliseconds, those that last included; None where there was none."""
        lasts = clock.to_ms(now) - clock.to_ms(self.cut_off_since) if self.cut_off_since else None
        return max((ms for ms in (self.worst_ms, lasts) if ms is not None), default=None)


def numbers(cutover: Cutover, now: dt.datetime) -> Numbers:
    """Counted in the database: a viewer costs the same with 10 terminals as with 10,000."""
    terminals = cutover.runs.filter(kind="terminal")
    by_state = dict(terminals.order_by().values_list("state").annotate(n=Count("pk")))
    sums = _sums(terminals)
    wave = sums["wave"] if cutover.direction == "forward" else None
    measured = terminals.filter(outage_ms__isnull=False).order_by("outage_ms").values_list("outage_ms", flat=True)
    count = sums["measured"]
    return Numbers(
        total=sum(by_state.values()),
        by_state=by_state,
        wave=wave,
        waves=len(cutover.limits),
        limit=cutover.limits[wave] if wave is not None and wave < len(cutover.limits) else None,
        median_ms=measured[(count - 1) // 2] if count else None,
        worst_ms=max((ms for ms in (sums["outage"], sums["over"]) if ms is not None), default=None),
        cut_off=sums["now"],
        cut_off_since=sums["since"],
        eta_s=_eta(cutover, by_state, now),
    )


def _sums(terminals: Any) -> dict[str, Any]:
    found: dict[str, Any] = terminals.order_by().aggregate(
        wave=Min("wave", filter=Q(state__in=OPEN)),
        measured=Count("outage_ms"),
        outage=Max("outage_ms"),
        over=Max("cut_off_ms"),
        now=Count("cut_off_since"),
        since=Min("cut_off_since"),
    )
    return found


def _eta(cutover: Cutover, by_state: dict[str, int], now: dt.datetime) -> float | None:
    back = cutover.state == C.ROLLING_BACK
    if not back and cutover.state != C.SWITCHING:
        return None
    done = by_state.get(R.RESTORED if back else R.VERIFIED, 0)
    left = by_state.get(R.UNDOING, 0) if back else sum(by_state.get(s, 0) for s in OPEN)
    server = cutover.runs.filter(kind="server", state__in=[R.VERIFIED, R.RESTORED]).first()
    if not done or not left or server is None:
        return None
    return left * max(0.5, (now - server.changed_at).total_seconds()) / done
