"""The home page: sites, their server, their terminals; what needs attention first."""

import json
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from django.db.models import BooleanField, Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from fleet.cutover import states
from fleet.models import Cutover, Device, DeviceRun, Site
from fleet.services import clock
from fleet.services.attention import listing, terminals
from fleet.services.devices import sites
from fleet.web import labels
from fleet.web.exports import csv_response
from fleet.web.view_helpers import for_admins, for_people, number_in, paged, query_of, show, wants_part

CONTACT = {
    "yes": Q(agent__connected=True, agent__revoked_at__isnull=True),
    "no": Q(agent__connected=False) | Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False),
}
SHOWN = 10  # items of attention before one asks for all
SCHEMES = {"http": Q(scheme="http"), "https": Q(scheme="https"), "unknown": Q(scheme="")}


@require_GET
@for_people
def home(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the list that a search has changed."""
    current = _current_cutovers()
    page = paged(request, _terminals(request, current))
    _decorate(page.object_list, current)
    ctx: dict[str, Any] = {"page": page, "filters": request.GET.dict(), "export": query_of(request)}
    if wants_part(request):
        return show(request, "fleet/home/_terminals.html", **ctx)
    known = list(Site.objects.all())
    servers = {d.site_id: d for d in Device.objects.filter(kind=Device.Kind.SERVER).select_related("agent")}
    ctx |= {
        "attention": _attention(request),
        "sites": [_site(site, servers.get(site.pk), current) for site in known],
        "running": _running(current),
        "some": page.paginator.count or request.GET or Device.objects.exists(),
    }
    return show(request, "fleet/home.html", "fleet", **ctx)


@require_GET
@for_people
def export(request: HttpRequest) -> HttpResponse:
    """The terminals that the same filters show."""
    current = _current_cutovers()
    devices: list[Any] = list(_terminals(request, current))
    _decorate(devices, current)
    header = ("name", "site", "scheme", "host", "port", "contact", "last_seen", "state", "outage_ms", "tags", "note")
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
            " ".join(d.tags),
            d.note,
        )
        for d in devices
    )
    return csv_response("terminals", header, rows)


@require_POST
@for_admins
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has looked at what a site was warned of."""
    sites.dismiss_warning(request.user, pk)
    return redirect("fleet")


def _running(current: dict[int, Cutover]) -> list[Any]:
    """Cutovers that are active, each with its pill."""
    running: list[Any] = [c for c in current.values() if c.state in states.ACTIVE]
    for cutover in running:
        cutover.pill = labels.CUTOVER_PILLS[states.Cutover(cutover.state)]
    return running


def _attention(request: HttpRequest) -> dict[str, Any]:
    """The strip on top: the gravest at once, the rest where somebody asks for it."""
    found = listing.of(request.user, clock.now())
    first, rest = found.items[:SHOWN], found.items[SHOWN:]
    return {"count": found.count, "first": _said(first), "rest": _said(rest), "unseen": found.count - len(found.items)}


def _said(items: list[listing.Item]) -> list[tuple[listing.Item, labels.Pill, bool]]:
    """Each with its look, and whether to say here what to do: of neighbours that ask for the same, the last says it."""
    asked = [(item.site, item.code, item.remedy) for item in items]
    last = [this != following for this, following in zip_longest(asked, asked[1:])]
    return [(item, labels.severity_pill(item.severity), says) for item, says in zip(items, last, strict=True)]


def _seen(device: Any) -> str:
    agent = getattr(device, "agent", None)
    return agent.last_seen.isoformat(timespec="seconds") if agent and agent.last_seen else ""


def _current_cutovers() -> dict[int, Cutover]:
    """For each site the cutover that its terminals' states are of: the active one, else the last that ran."""
    ran = Cutover.objects.filter(Q(started_at__isnull=False) | Q(state__in=states.ACTIVE)).filter(site=OuterRef("pk"))
    active_first = ran.annotate(
        idle=Case(When(state__in=states.ACTIVE, then=Value(0)), default=Value(1), output_field=IntegerField())
    ).order_by("idle", "-epoch", "-pk")
    ids = Site.objects.annotate(cutover=Subquery(active_first.values("pk")[:1])).values("cutover")
    return {c.site_id: c for c in Cutover.objects.filter(pk__in=ids).select_related("site")}


def _terminals(request: HttpRequest, current: dict[int, Cutover]) -> QuerySet[Device]:
    found = Device.objects.filter(kind=Device.Kind.TERMINAL).select_related("site", "agent")
    if q := request.GET.get("q", "").strip():
        found = found.filter(matches(q))
    if (site := number_in(request, "site")) is not None:
        found = found.filter(site_id=site)
    found = found.filter(SCHEMES.get(request.GET.get("scheme", ""), Q()))
    found = found.filter(CONTACT.get(request.GET.get("contact", ""), Q()))
    trouble = DeviceRun.objects.filter(
        cutover__in=[c.pk for c in current.values()], device=OuterRef("pk"), state__in=states.WITH_FINDING
    )
    left = terminals.cut_off().filter(device=OuterRef("pk"))
    found = found.annotate(cut_off=Exists(left), differs=_flag(terminals.differing()))
    grave = Q(cut_off=True) | Q(differs=True) | Q(Exists(trouble))
    first = Case(When(grave, then=Value(0)), When(CONTACT["no"], then=Value(1)), default=Value(2))
    return found.annotate(first=first).order_by("first", "site__name", "name", "pk")


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def matches(q: str) -> Q:
    """What a person means by a word: part of a name, a note, a host or a tag."""
    # As the database keeps a tag in its JSON: SQLite with escapes for all but ASCII, PostgreSQL without.
    escaped, plain = (json.dumps(q, ensure_ascii=yes)[1:-1] for yes in (True, False))
    tagged = Q(tags__icontains=escaped) | Q(tags__icontains=plain)
    return Q(name__icontains=q) | Q(note__icontains=q) | Q(host__icontains=q) | tagged


def _decorate(devices: Any, current: dict[int, Cutover]) -> None:
    """Each terminal of this page with its words, its runs in one query."""
    ids = [c.pk for c in current.values()]
    runs = {r.device_id: r for r in DeviceRun.objects.filter(cutover__in=ids, device__in=[d.pk for d in devices])}
    by_id = {c.pk: c for c in current.values()}
    for device in devices:
        run = runs.get(device.pk)
        device.scheme_pill = labels.scheme_pill(device.scheme)
        device.contact = labels.contact_pill(getattr(device, "agent", None))
        device.run_state = run.state if run else ""
        device.outage_ms = run.outage_ms if run else None
        device.finding = run.finding if run else None
        device.state_pill = _pill(run, by_id[run.cutover_id]) if run else None
        _without_comfort(device)


def _without_comfort(device: Any) -> None:
    """Nothing that is cut off is ever green or grey, whatever its last cutover made of it."""
    if device.cut_off:
        device.scheme_pill = labels.CUT_OFF
        device.state_pill = replace(device.state_pill, tone="bad")
    elif device.differs:
        device.scheme_pill = labels.differs_pill(device.scheme)
        if device.state_pill and device.state_pill.tone in ("ok", "wait"):
            device.state_pill = labels.CHANGED_SINCE


def _pill(run: DeviceRun, cutover: Cutover) -> labels.Pill:
    return labels.run_pill(run.state, cutover.to_scheme, cut_off=run.cut_off_since is not None)


def _site(site: Site, server: Device | None, current: dict[int, Cutover]) -> dict[str, Any]:
    cutover = current.get(site.pk)
    return {
        "site": site,
        "server": server,
        "scheme": labels.scheme_pill(server.scheme) if server else None,
        "contact": labels.contact_pill(getattr(server, "agent", None)) if server else None,
        "cutover": cutover,
        "cutover_pill": labels.CUTOVER_PILLS[states.Cutover(cutover.state)] if cutover else None,
    }
