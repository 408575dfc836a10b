"""What several pages read of a cutover. What only the pages of one room need is in that room's own view_models.py."""

import datetime as dt
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.shortcuts import get_object_or_404

from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from fleet.models import Cutover, DeviceRun, ProbeVersion
from fleet.services import by_hand
from fleet.services.probes import versions
from fleet.web.numbers import OPEN, Numbers, seconds_left


def load(pk: int) -> Cutover:
    """The cutover with what its page needs. Raises Http404."""
    return get_object_or_404(Cutover.objects.select_related("site", "requested_by", "approved_by", "probe"), pk=pk)


def proof(cutover: Cutover) -> ProbeVersion | None:
    """By which probe profile this cutover proves, or would prove if it was scheduled now; None: by transport proofs."""
    return versions.of(cutover)


def server_run(cutover: Cutover) -> DeviceRun | None:
    """The server's part in it, with its steps; None before the cutover is scheduled."""
    return cutover.runs.filter(kind="server").select_related("device").prefetch_related("steps").first()


def planned(cutover: Cutover) -> int:
    """How many terminals would take part, before there are device runs."""
    return cutover.site.devices.filter(kind="terminal").exclude(name__in=cutover.exclude).count()


def planned_by_hand(cutover: Cutover) -> int:
    """How many of these a person would set."""
    return cutover.site.devices.filter(by_hand.wanted()).exclude(name__in=cutover.exclude).count()


def any_by_hand(cutover: Cutover) -> bool:
    """Whether a device of this cutover is done by hand, or would be."""
    known = list(cutover.runs.order_by("-by_hand").values_list("by_hand", flat=True)[:1])
    return known[0] if known else planned_by_hand(cutover) > 0 or server_by_hand(cutover)


def server_by_hand(cutover: Cutover) -> bool:
    """Whether a person types the server's commands, or would."""
    known = list(cutover.runs.filter(kind="server").values_list("by_hand", flat=True))
    server = None if known else cutover.site.server
    return known[0] if known else server is not None and by_hand.is_server(server)


def server_to_set_back(cutover: Cutover) -> bool:
    """Whether a rollback needs a person at the server."""
    return cutover.runs.filter(kind="server", by_hand=True, touched=True).exclude(state=R.RESTORED).exists()


def by_hand_in(cutover: Cutover, *states: str) -> int:
    """How many terminals by hand are in one of these states; without states, how many there are."""
    runs = cutover.runs.filter(kind="terminal", by_hand=True)
    return (runs.filter(state__in=states) if states else runs).count()


def to_go_back(cutover: Cutover) -> int:
    """How many terminals a rollback has to bring back."""
    return cutover.runs.filter(kind="terminal", touched=True).exclude(state=R.RESTORED).count()


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
        by_word=sums["by_word"],
    )


def _sums(terminals: Any) -> dict[str, Any]:
    found: dict[str, Any] = terminals.order_by().aggregate(
        wave=Min("wave", filter=Q(state__in=OPEN)),
        measured=Count("outage_ms"),
        outage=Max("outage_ms"),
        over=Max("cut_off_ms"),
        now=Count("cut_off_since"),
        since=Min("cut_off_since"),
        by_word=Count("pk", filter=Q(by_hand=True, proof="person", state=R.VERIFIED)),
    )
    return found


def _eta(cutover: Cutover, by_state: dict[str, int], now: dt.datetime) -> float | None:
    if cutover.state not in (C.SWITCHING, C.ROLLING_BACK):
        return None
    server = cutover.runs.filter(kind="server", state__in=[R.VERIFIED, R.RESTORED]).first()
    since = (now - server.changed_at).total_seconds() if server else None
    return seconds_left(by_state, back=cutover.state == C.ROLLING_BACK, since_server_s=since)
