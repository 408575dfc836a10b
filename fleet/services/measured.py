"""What HTTPS costs at a site: measured in rehearsals before, and by the cutover's own lookups afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fleet.cutover.states import Cutover as C
from fleet.models import Cutover, Rehearsal, Site, StepRun
from fleet.preflight.cost import Cost, cost_of
from fleet.preflight.lenient import mapping, number
from fleet.preflight.quantiles import quantile
from fleet.services.readiness import SeatRow, seat_rows

# A small site's last rehearsals are looked at together, until a p95 has something to stand on.
_MOST_REHEARSALS = 5
_ENOUGH_TERMINALS = 50


@dataclass(frozen=True, slots=True)
class After:
    """What lookups over HTTPS really took in the last cutover, each terminal's first; milliseconds."""

    cutover: int
    count: int
    p50: float
    p95: float


def cost(site: Site, held: Rehearsal | None, seats: Iterable[SeatRow]) -> Cost | None:
    """From the rehearsal that counts, and for a small site from those with the same certificate before it."""
    if held is None:
        return None
    facts = _answers(seats)
    if len(facts) < _ENOUGH_TERMINALS:
        older = Rehearsal.objects.filter(
            site=site, state=Rehearsal.State.DONE, pk__lt=held.pk, thumbprint=held.thumbprint
        ).order_by("-pk")
        for rehearsal in older[: _MOST_REHEARSALS - 1]:
            facts += _answers(seat_rows(rehearsal))
    return cost_of(facts, held.facts)


def after(site: Site) -> After | None:
    """The lookups with which the terminals proved themselves in the site's last cutover to HTTPS that was completed."""
    last = Cutover.objects.filter(site=site, to_scheme="https", state=C.COMPLETED, started_at__isnull=False)
    cutover = last.order_by("-epoch", "-pk").first()
    if cutover is None:
        return None
    steps = StepRun.objects.filter(run__cutover=cutover, name="member_lookup", direction="forward")
    times = sorted(ms for evidence in steps.values_list("evidence", flat=True) if (ms := _took(evidence)) is not None)
    if not times:
        return None
    return After(cutover.pk, len(times), quantile(times, 0.5), quantile(times, 0.95))


def _answers(seats: Iterable[SeatRow]) -> list[Any]:
    return [facts for _, answered, _, facts in seats if answered is not None]


def _took(evidence: Any) -> float | None:
    """The whole lookup on a connection of its own, as `https_new` of a rehearsal."""
    told = mapping(evidence)
    ms, connect = number(told.get("ms")), number(told.get("connect_ms"))
    return None if ms is None or connect is None else ms + connect
