"""The readiness of a site: loads its rows in a fixed number of queries and has fleet.preflight.site.check judge them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agents.protocol import Finding
from fleet.cutover import states
from fleet.cutover.states import BEFORE_WINDOW
from fleet.device_facts.parse import parse_check, parse_finding
from fleet.models import Agent, Cutover, Device, ProbeVersion, Rehearsal, Site, TerminalCheck
from fleet.preflight.site.check import assess
from fleet.preflight.site.readiness import Readiness
from fleet.preflight.site.reading import check_view, rehearsal_view, server_view, terminal_view
from fleet.preflight.site.view import Contact, RehearsalView, ServerView, SiteView, TerminalCheckView, TerminalView
from fleet.services.probes import versions
from fleet.services.text import NAMED


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that a page shows, loaded once."""

    view: SiteView
    readiness: Readiness
    held: Rehearsal | None  # the rehearsal that counts
    checks: tuple[TerminalCheckView, ...]  # its terminals' answers
    plan: Cutover | None  # the cutover whose certificate, window and exclusions were asked about


def assess_site(site: Site, now: dt.datetime, plan: Cutover | None = None) -> Readiness:
    """Whether this site is ready. plan: the cutover whose certificate, window and excluded terminals count; None for the
    site's newest plan to HTTPS that has not begun, if there is one."""
    return assess_for_page(site, now, plan).readiness


def assess_for_page(site: Site, now: dt.datetime, plan: Cutover | None = None, thumbprint: str = "") -> Assessment:
    """Like assess_site(), with everything that the answer was made of. thumbprint: of the certificate to judge, "" for
    the plan's."""
    plan = plan or planned(site)
    held, failed = _ended(site)
    checks = terminal_checks(held) if held else ()
    view = _view(site, now, plan, _rehearsal(held, checks) if held else None, failed)
    if held is not None:
        view = replace(view, probe_changed=versions.text_of(held.probe) != versions.text_of(_probe(site, plan)))
    if thumbprint:
        view = replace(view, thumbprint=thumbprint)
    return Assessment(view, assess(view), held, checks, plan)


def _view(site: Site, now: dt.datetime, plan: Cutover | None, held: RehearsalView | None, failed: Rehearsal | None) -> SiteView:
    devices = list(site.devices.select_related("agent").order_by("name", "id"))
    server = next((d for d in devices if d.kind == Device.Kind.SERVER), None)
    return SiteView(
        now=now.astimezone(dt.UTC),
        server=_server(server) if server else None,
        terminals=tuple(_terminal(d) for d in devices if d.kind == Device.Kind.TERMINAL),
        rehearsal=held,
        failed=parse_finding(failed.finding or {}) if failed else None,
        excluded=frozenset(map(str, plan.exclude)) if plan else frozenset(),
        policy_hours=site.rehearsal_hours,
        thumbprint=plan.certificate_thumbprint if plan else "",
        window=(plan.starts_at.astimezone(dt.UTC), plan.ends_at.astimezone(dt.UTC)) if plan else None,
    )


def _server(device: Device) -> ServerView:
    facts, alarm = device.server_facts, _alarm(device)
    if device.by_hand and device.scheme in ("http", "https"):  # as a person last said
        facts = replace(facts, scheme=device.scheme)  # type: ignore[arg-type]
    return server_view(device.name, contact_of(device), facts, port=device.port, alarm=alarm, by_hand=device.by_hand)


def _terminal(device: Device) -> TerminalView:
    facts = device.terminal_facts
    return terminal_view(
        device.name,
        contact_of(device),
        facts,
        host=device.host,
        port=device.port,
        alarm=_alarm(device),
        by_hand=device.by_hand,
        address=device.address,
    )


def why_not(plan: Cutover, thumbprint: str, now: dt.datetime) -> str | None:
    """Why this plan may not be approved, or None if it may: the site requires no rehearsal, the plan goes back to HTTP, the
    server is on HTTPS already, or there are only warnings. thumbprint: of the certificate that will be bound."""
    site = plan.site
    if site.rehearsal_hours is None or plan.to_scheme != "https" or (site.server and site.server.scheme == "https"):
        return None
    if site.server and site.server.by_hand:
        name = site.server.name
        return (
            f"this site requires a rehearsal, and there can be none: the server {name} is done by hand, and without its agent "
            "nothing opens the shadow listener. Lift the rule on the Readiness page (empty Maximum rehearsal age)"
        )
    errors = assess_for_page(site, now, plan, thumbprint).readiness.of("error")
    if not errors:
        return None
    named = "; ".join(one.message for one in errors[:NAMED])
    more = f" and {len(errors) - NAMED} more" if len(errors) > NAMED else ""
    return f"the site is not ready: {named}{more}. See the Readiness page, or exclude terminals by name"


def planned(site: Site) -> Cutover | None:
    """The site's newest plan to HTTPS that has not begun, or None."""
    found = Cutover.objects.filter(site=site, to_scheme="https", state__in=sorted(BEFORE_WINDOW))
    return found.order_by("-pk").first()


def _probe(site: Site, plan: Cutover | None) -> ProbeVersion | None:
    """By which the cutover would ask."""
    return versions.of(plan) if plan else versions.current(site)


def contact_of(device: Device) -> Contact:
    """Whether the device's agent is in contact; "none" if it has no agent."""
    agent: Agent | None = getattr(device, "agent", None)
    if agent is None or agent.revoked_at is not None:
        return "none"
    return "yes" if agent.connected else "no"


def _alarm(device: Device) -> Finding | None:
    return parse_finding(getattr(getattr(device, "agent", None), "alarm", None))


def _ended(site: Site) -> tuple[Rehearsal | None, Rehearsal | None]:
    """The newest completed rehearsal, and the newest one that failed after it."""
    ended = (states.Rehearsal.DONE, states.Rehearsal.FAILED)
    rows = Rehearsal.objects.filter(site=site, state__in=ended, after__isnull=True).select_related("probe").order_by("-pk")
    newest = rows.first()
    if newest is None or newest.state == states.Rehearsal.DONE:
        return newest, None
    return rows.filter(state=states.Rehearsal.DONE).first(), newest


def terminal_checks(rehearsal: Rehearsal) -> tuple[TerminalCheckView, ...]:
    """What the terminals of this rehearsal answered."""
    checks = TerminalCheck.objects.filter(rehearsal=rehearsal, device__kind=Device.Kind.TERMINAL)
    rows = checks.values_list("device__name", "answered_at", "finding", "facts")
    return tuple(check_view(name, at is not None, parse_finding(told), parse_check(facts)) for name, at, told, facts in rows)


def _rehearsal(held: Rehearsal, checks: Iterable[TerminalCheckView]) -> RehearsalView:
    return rehearsal_view(held.finished_at or held.created_at, held.thumbprint, held.listener_facts, checks)
