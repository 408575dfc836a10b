"""What the Fleet page and the pages of devices and agents read from the database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import BooleanField, Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.shortcuts import get_object_or_404

from fleet.cutover import states
from fleet.models import Cutover, Device, DeviceRun, Site, Transition
from fleet.services.attention import terminals as attention
from fleet.services.devices import current
from fleet.web.view_helpers import as_id

CUTOVERS = 10  # of one device on its page; older ones are in the audit log
TRANSITIONS = 100
CONTACT = {
    "yes": Q(agent__connected=True, agent__revoked_at__isnull=True),
    "no": Q(agent__connected=False) | Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False),
}
SCHEMES = {"http": Q(scheme="http"), "https": Q(scheme="https"), "unknown": Q(scheme="")}


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site on the Fleet page."""

    site: Site
    server: Device | None
    cutover: Cutover | None  # the active one, else the last that ran


def sites() -> list[Site]:
    """All of them."""
    return list(Site.objects.all())


def site_rows() -> list[SiteRow]:
    """All sites with their servers and cutovers, in a fixed number of queries."""
    servers = {d.site_id: d for d in Device.objects.filter(kind=Device.Kind.SERVER).select_related("agent")}
    cutovers = _cutovers_to_show()
    return [SiteRow(site, servers.get(site.pk), cutovers.get(site.pk)) for site in sites()]


def _cutovers_to_show() -> dict[int, Cutover]:
    """For each site the active cutover, which may be still to come, else the last that ran."""
    ran = Cutover.objects.filter(Q(started_at__isnull=False) | Q(state__in=states.ACTIVE)).filter(site=OuterRef("pk"))
    active_first = ran.annotate(
        idle=Case(When(state__in=states.ACTIVE, then=Value(0)), default=Value(1), output_field=IntegerField())
    ).order_by("idle", "-epoch", "-pk")
    ids = Site.objects.annotate(cutover=Subquery(active_first.values("pk")[:1])).values("cutover")
    return {c.site_id: c for c in Cutover.objects.filter(pk__in=ids).select_related("site")}


def any_device() -> bool:
    """Whether anything was imported yet."""
    return Device.objects.exists()


def terminals(filters: Mapping[str, str]) -> QuerySet[Device]:
    """The terminals that match these filters, those that need attention first. filters: q, site, scheme and contact, as the
    address has them; unknown values are ignored."""
    found = Device.objects.filter(kind=Device.Kind.TERMINAL).select_related("site", "agent")
    if q := filters.get("q", "").strip():
        found = found.filter(matches(q))
    if (site := filters.get("site", "").strip()).isdecimal() and site.isascii():
        found = found.filter(site_id=as_id(site))
    found = found.filter(SCHEMES.get(filters.get("scheme", ""), Q()))
    found = found.filter(CONTACT.get(filters.get("contact", ""), Q()))
    trouble = current.runs().filter(device=OuterRef("pk"), state__in=states.WITH_FINDING)
    left = attention.cut_off().filter(device=OuterRef("pk"))
    found = found.annotate(cut_off=Exists(left), differs=_flag(attention.differing()))
    grave = Q(cut_off=True) | Q(differs=True) | Q(Exists(trouble))
    first = Case(When(grave, then=Value(0)), When(CONTACT["no"], then=Value(1)), default=Value(2))
    return found.annotate(first=first).order_by("first", "site__name", "name", "pk")


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def matches(q: str) -> Q:
    """Search text as a condition: it may be part of a name, a note, a host or a tag."""
    # As the database keeps a tag in its JSON: SQLite with escapes for all but ASCII, PostgreSQL without.
    escaped, plain = (json.dumps(q, ensure_ascii=yes)[1:-1] for yes in (True, False))
    tagged = Q(tags__icontains=escaped) | Q(tags__icontains=plain)
    return Q(name__icontains=q) | Q(note__icontains=q) | Q(host__icontains=q) | tagged


def current_runs(devices: list[Device]) -> dict[int, DeviceRun]:
    """For each of these devices the run that its current state is of, in one query."""
    found = current.runs().filter(device__in=[d.pk for d in devices]).select_related("cutover")
    return {run.device_id: run for run in found}


def device_or_404(pk: int, kind: str) -> Device:
    """This device with its site and agent. Raises Http404."""
    return get_object_or_404(Device.objects.select_related("site", "agent"), pk=pk, kind=kind)


def device(pk: int) -> Device | None:
    """This device, if there is one."""
    return Device.objects.filter(pk=pk).first()


def current_state(device: Device) -> str:
    """The device's current state, "" where it took no part in a cutover."""
    run = current.run_of(device)
    return run.state if run else ""


def runs_of(device: Device) -> list[DeviceRun]:
    """Its part in the last cutovers, the newest first, with the steps that were done."""
    found = DeviceRun.objects.filter(device=device).select_related("cutover__site").prefetch_related("steps")
    return list(found.order_by("-pk")[:CUTOVERS])


def transitions_of(device: Device) -> list[Transition]:
    """Its last changes of state, the newest first."""
    found = Transition.objects.filter(run__device=device).select_related("cutover")
    return list(found.order_by("-id")[:TRANSITIONS])


def with_agents(q: str) -> QuerySet[Device]:
    """Devices with their agents, those without contact first. q: part of a device's or a site's name, or how an agent's id
    begins."""
    gone = Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False) | Q(agent__connected=False)
    gone |= Q(agent__quarantined_at__isnull=False)
    found = Device.objects.select_related("site", "agent").annotate(first=Case(When(gone, then=Value(0)), default=Value(1)))
    if q:
        found = found.filter(Q(name__icontains=q) | Q(agent__pk__startswith=q) | Q(site__name__icontains=q))
    return found.order_by("first", "site__name", "name", "pk")
