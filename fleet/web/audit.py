"""Everything that ever changed its state, newest first."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from fleet.models import Transition
from fleet.web import words
from fleet.web.exports import csv_response
from fleet.web.pages import for_people, paged, query_of, show, wants_part


@require_GET
@for_people
def page(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx the list that a filter has changed."""
    found = paged(request, _found(request), 100)
    for t in found.object_list:
        t.zone = words.zone_of(t.cutover.site.zone)
    ctx: dict[str, Any] = {"page": found, "filters": request.GET.dict(), "export": query_of(request)}
    if wants_part(request):
        return show(request, "fleet/audit/_list.html", **ctx)
    return show(request, "fleet/audit.html", "audit", [("Fleet", reverse("fleet")), ("Audit", "")], **ctx)


@require_GET
@for_people
def export(request: HttpRequest) -> HttpResponse:
    """The rows that the same filters show, with the chain's digests."""
    header = ("at", "site", "cutover", "device", "from", "to", "actor", "reason", "digest")
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
        )
        for t in _found(request).iterator(chunk_size=2000)
    )
    return csv_response("audit", header, rows)


def _found(request: HttpRequest) -> Any:
    found = Transition.objects.select_related("cutover__site").order_by("-pk")
    if q := request.GET.get("q", "").strip():
        found = found.filter(Q(device_name__icontains=q) | Q(actor__icontains=q) | Q(reason__icontains=q) | Q(new=q))
    if (cutover := request.GET.get("cutover", "")).isdigit():
        found = found.filter(cutover_id=int(cutover))
    return found
