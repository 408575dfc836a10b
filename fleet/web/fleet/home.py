"""The home page: sites, their server, their terminals; what needs attention first."""

from dataclasses import replace
from itertools import zip_longest
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from fleet.cutover import states
from fleet.models import DeviceRun
from fleet.services import by_hand, clock
from fleet.services.attention import listing
from fleet.services.devices import sites
from fleet.web import labels
from fleet.web.exports import csv_response
from fleet.web.fleet import view_models
from fleet.web.view_helpers import for_admins, for_people, paged, query_of, show, wants_part

SHOWN = 10  # attention items that are visible at once


@require_GET
@for_people
def home(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the list that a search has changed."""
    page = paged(request, view_models.terminals(request.GET.dict()))
    _decorate(page.object_list)
    ctx: dict[str, Any] = {"page": page, "filters": request.GET.dict(), "export": query_of(request)}
    if wants_part(request):
        return show(request, "fleet/home/_terminals.html", **ctx)
    sites = [_site(row) for row in view_models.site_rows()]
    ctx |= {
        "attention": _attention(request),
        "sites": sites,
        "running": [site for site in sites if site["cutover"] and site["cutover"].state in states.ACTIVE],
        "some": page.paginator.count or request.GET or view_models.any_device(),
    }
    return show(request, "fleet/home.html", "fleet", **ctx)


@require_GET
@for_people
def export(request: HttpRequest) -> HttpResponse:
    """The terminals that the same filters show."""
    devices: list[Any] = list(view_models.terminals(request.GET.dict()))
    _decorate(devices)
    header = ("name", "site", "scheme", "host", "port", "contact", "last_seen", "state", "outage_ms", "by_hand", "tags", "note")
    rows = (
        (
            d.name,
            d.site.name,
            d.scheme,
            d.host,
            d.port,
            d.contact.word,
            _seen(d),
            d.run_state,
            d.outage_ms,
            "yes" if by_hand.why(d) else "no",
            " ".join(d.tags),
            d.note,
        )
        for d in devices
    )
    return csv_response("terminals", header, rows)


@require_POST
@for_admins
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Dismiss the warning of a site."""
    sites.dismiss_warning(request.user, pk)
    return redirect("fleet")


def _attention(request: HttpRequest) -> dict[str, Any]:
    """The list on top of the page: the most severe items, and the rest, which the page shows on request."""
    found = listing.of(request.user, clock.now())
    first, rest = found.items[:SHOWN], found.items[SHOWN:]
    return {"count": found.count, "first": _said(first), "rest": _said(rest), "unseen": found.count - len(found.items)}


def _said(items: list[listing.Item]) -> list[tuple[listing.Item, labels.Pill, bool]]:
    """(item, pill, whether to show the remedy) for each. Of neighbours with the same remedy only the last one shows it."""
    asked = [(item.site, item.code, item.remedy) for item in items]
    last = [this != following for this, following in zip_longest(asked, asked[1:])]
    return [(item, labels.severity_pill(item.severity), says) for item, says in zip(items, last, strict=True)]


def _seen(device: Any) -> str:
    agent = getattr(device, "agent", None)
    return agent.last_seen.isoformat(timespec="seconds") if agent and agent.last_seen else ""


def _decorate(devices: Any) -> None:
    """Give each of these terminals what its row shows."""
    runs = view_models.current_runs(list(devices))
    for device in devices:
        run = runs.get(device.pk)
        device.scheme_pill = labels.scheme_pill(device.scheme)
        device.contact = labels.contact_pill(getattr(device, "agent", None))
        device.run_state = run.state if run else ""
        device.outage_ms = run.outage_ms if run else None
        device.finding = run.finding if run else None
        device.state_pill = _pill(run) if run else None
        _without_comfort(device)


def _without_comfort(device: Any) -> None:
    """A terminal that is cut off is never green or grey, whatever state its last cutover ended in."""
    if device.cut_off:
        device.scheme_pill = labels.CUT_OFF
        device.state_pill = replace(device.state_pill, tone="bad")
    elif device.differs:
        device.scheme_pill = labels.differs_pill(device.scheme)
        if device.state_pill and device.state_pill.tone in ("ok", "wait"):
            device.state_pill = labels.CHANGED_SINCE


def _pill(run: DeviceRun) -> labels.Pill:
    return labels.run_pill(run.state, run.cutover.to_scheme, cut_off=run.cut_off_since is not None)


def _site(row: view_models.SiteRow) -> dict[str, Any]:
    server, cutover = row.server, row.cutover
    return {
        "site": row.site,
        "server": server,
        "scheme": labels.scheme_pill(server.scheme) if server else None,
        "contact": labels.contact_pill(getattr(server, "agent", None)) if server else None,
        "cutover": cutover,
        "cutover_pill": labels.CUTOVER_PILLS[states.Cutover(cutover.state)] if cutover else None,
    }
