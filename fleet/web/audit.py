"""All changes of state of cutovers and devices, newest first."""

import datetime as dt
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from fleet.cutover.states import Cutover as C
from fleet.models import Event, Transition
from fleet.web import labels
from fleet.web.exports import csv_response
from fleet.web.view_helpers import for_people, number_in, paged, query_of, show, wants_part

EVENTS = 50  # on the page; all of them in the export
_AFTER_A_CAUSE = (C.PAUSED, C.ROLLING_BACK, C.ROLLED_BACK, C.NEEDS_PERSON)


@require_GET
@for_people
def page(request: HttpRequest) -> HttpResponse:
    """The page; for htmx only the list, which a filter has changed."""
    found = paged(request, _found(request), 100)
    for t in found.object_list:
        t.zone = labels.zone_of(t.cutover.site.zone)
        t.cause = _cause(t)
        of_device = t.run_id is not None
        t.pill = labels.pill_of(t.new, of_device=of_device, to_scheme=t.cutover.to_scheme)
        t.before = labels.pill_of(t.old, of_device=of_device, to_scheme=t.cutover.to_scheme).word if t.old else ""
    ctx: dict[str, Any] = {"page": found, "filters": request.GET.dict(), "export": query_of(request)}
    ctx["events"] = list(_events(request)[:EVENTS])
    for event in ctx["events"]:
        event.what = labels.event_word(event.code)
        event.zone = labels.zone_of(event.site.zone) if event.site else dt.UTC
    if wants_part(request):
        return show(request, "fleet/audit/_list.html", **ctx)
    return show(request, "fleet/audit.html", "audit", [("Fleet", reverse("fleet")), ("Audit", "")], **ctx)


@require_GET
@for_people
def export(request: HttpRequest) -> HttpResponse:
    """The rows that the same filters show, with the chain's digests."""
    header = ("at", "site", "cutover", "device", "from", "to", "actor", "reason", "digest", "cause")
    rows = (
        (
            t.at.isoformat(timespec="milliseconds"),
            t.cutover.site.name,
            t.cutover_id,
            t.device_name,
            t.old,
            t.new,
            t.actor,
            t.reason,
            t.digest,
            labels.in_one_line(_cause(t)),
        )
        for t in _found(request).iterator(chunk_size=2000)
    )
    return csv_response("audit", header, rows)


@require_GET
@for_people
def export_events(request: HttpRequest) -> HttpResponse:
    """What happened to agents and tokens, as the same search shows it."""
    rows = (
        (e.at.isoformat(timespec="milliseconds"), e.site.name if e.site else "", e.device_name, e.code, e.actor, e.text)
        for e in _events(request).iterator(chunk_size=2000)
    )
    return csv_response("audit-agents", ("at", "site", "device", "code", "actor", "text"), rows)


def _events(request: HttpRequest) -> Any:
    """Events of agents and tokens. They belong to no cutover, so there are none where the filter names one."""
    found = Event.objects.select_related("site").order_by("-pk")
    if request.GET.get("cutover", "").isdigit():
        return found.none()
    if q := request.GET.get("q", "").strip():
        found = found.filter(Q(device_name__icontains=q) | Q(actor__icontains=q) | Q(text__icontains=q) | Q(code=q))
    return found


def _cause(t: Transition) -> labels.Cause | None:
    """Why the cutover stopped or turned back, for the changes of state that followed from it."""
    return labels.cause_of(t.cutover.cause) if t.run_id is None and t.new in _AFTER_A_CAUSE else None


def _found(request: HttpRequest) -> Any:
    found = Transition.objects.select_related("cutover__site").order_by("-pk")
    if q := request.GET.get("q", "").strip():
        said = Q(new=q) | Q(new__in=labels.states_called(q))
        found = found.filter(Q(device_name__icontains=q) | Q(actor__icontains=q) | Q(reason__icontains=q) | said)
    if (cutover := number_in(request, "cutover")) is not None:
        found = found.filter(cutover_id=cutover)
    return found
