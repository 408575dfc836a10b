"""What HTTPS costs at a site: measured in rehearsals before the cutover, and once more after it."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.cutover import states
from fleet.device_facts.facts import ListenerFacts
from fleet.models import Rehearsal, Site
from fleet.preflight.cost.measured import WAYS, Asked, Cost, cost_of
from fleet.preflight.site.view import TerminalCheckView
from fleet.services.readiness import terminal_checks

# The last rehearsals of a small site are taken together, so that there are enough values for a p95.
_MOST_REHEARSALS = 5
_ENOUGH_TERMINALS = 50


@dataclass(frozen=True, slots=True)
class After:
    """How long lookups over HTTPS really take."""

    count: int
    # Milliseconds.
    p50: float
    p95: float


def cost(site: Site, held: Rehearsal | None, checks: Iterable[TerminalCheckView]) -> Cost | None:
    """The cost by the rehearsal that counts (`held`), and for a small site by earlier ones with the same certificate. None
    if nothing was measured."""
    if held is None:
        return None
    facts = _answers(held, checks)
    if len(facts) < _ENOUGH_TERMINALS:
        older = Rehearsal.objects.filter(
            site=site, state=states.Rehearsal.DONE, pk__lt=held.pk, thumbprint=held.thumbprint, after__isnull=True
        ).order_by("-pk")
        for rehearsal in older[: _MOST_REHEARSALS - 1]:
            facts += _answers(rehearsal, terminal_checks(rehearsal))
    return cost_of(facts, held.listener_facts)


def after(site: Site) -> dict[str, After]:
    """What the terminals measured at the live port after the site's last cutover to HTTPS, by kind of connection as in the
    prediction (WAYS). Empty if there was none."""
    rehearsal = Rehearsal.objects.filter(site=site, after__isnull=False, state=states.Rehearsal.DONE).order_by("-pk").first()
    found = cost_of(_answers(rehearsal, terminal_checks(rehearsal)), ListenerFacts()) if rehearsal else None
    if rehearsal is None or found is None:
        return {}
    kinds = {way: found.kind(tls) for way, (_, _, tls) in WAYS.items()}
    return {way: After(kind.count, kind.p50, kind.p95) for way, kind in kinds.items() if kind.p50 and kind.p95}


def _answers(rehearsal: Rehearsal, checks: Iterable[TerminalCheckView]) -> list[Asked]:
    return [Asked(row.terminal, rehearsal.pk, row) for row in checks if row.answered]
