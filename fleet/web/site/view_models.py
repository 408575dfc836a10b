"""What the Site page shows, read from the database."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404

from agents.probes import validator
from agents.probes.profile import ProbeError
from fleet.cutover import states
from fleet.device_facts.asked import FoundFacts, RecordFacts, RequestFacts
from fleet.models import Device, Inquiry, ProbeVersion, Site
from fleet.services.probes import versions
from fleet.web import labels

MOST_CHOICES = 100  # terminals in a list to choose from; with more, a person types the name
_SHOWN = 10  # versions of the profile
_FRESH = dt.timedelta(hours=1)
FIELDS = {
    "service": "Service of NetPOS.Net",
    "monitor": "Services Monitor",
    "settings": "Settings file",
    "port": "Port",
    "host": "Server's host",
    "reservation": "URL reservation",
}
SECTIONS = {"interfaces": "Interface list", "member": "Member lookup", "transport": "Any request"}
_MISSED = {
    "status": "Another status than expected:",
    "type": "Another type than expected:",
    "contains": "The expected text is missing:",
    "matches": "The expected pattern is missing:",
    "json": "The expected value is missing:",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One request of one device."""

    section: str
    wrong: str  # what is wrong with the response, "" for nothing
    told: str  # status, type, size and time; or what to do where there was no response
    sha256: str  # the first characters, by which two responses can be compared; "" for none


@dataclass(frozen=True, slots=True)
class Cell:
    """What one device found with one probe profile."""

    waiting: bool
    good: bool
    proof: str  # of the profile: application or transport
    lacks: bool  # a profile was asked by, and the device lacks a value of it, such as the access code
    lines: list[Line]  # none: there is no answer, or not yet
    finding: dict[str, str] | None  # why the device could not ask

    @property
    def pill(self) -> labels.Pill:
        if self.waiting:
            return labels.Pill("run", "◐", "Asking")
        words = ("The service answers", "No proof") if self.proof == "transport" else ("As expected", "Not as expected")
        return labels.Pill("ok", "✓", words[0]) if self.good else labels.Pill("bad", "▲", words[1])


@dataclass(frozen=True, slots=True)
class Row:
    """One probe profile and what each device found with it."""

    title: str
    cells: list[tuple[Device, Cell]]


@dataclass(frozen=True, slots=True)
class Try:
    """The newest try: the same question to one or two devices at once."""

    at: dt.datetime
    running: bool
    rows: list[Row]
    given: str  # the profile that was tried and is not in use; "" for none


@dataclass(frozen=True, slots=True)
class Lesson:
    """The newest recording."""

    inquiry: Inquiry
    recorded: RecordFacts
    running: bool
    fresh: bool  # it has ended a moment ago: Touch may still have the changed fields
    own: bool  # the agent on the terminal itself listens
    host: str  # what to type into Touch meanwhile; "" while it is not known
    left_s: int
    warnings: tuple[str, ...]
    unusable: str  # why what the agent proposes cannot be used; "" for a usable profile, or none

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why the profile is as it is: (which request, sentence)."""
        proposal = self.recorded.proposal
        return [(SECTIONS.get(section, section), reason) for section, reason in (proposal.reasons if proposal else ())]

    @property
    def text(self) -> str:
        """The profile that was learnt, "" for none."""
        proposal = self.recorded.proposal
        return proposal.text if proposal and not self.unusable else ""

    @property
    def gone_s(self) -> int:
        """Of its time, for the bar."""
        return max(self.inquiry.seconds - self.left_s, 0)


@dataclass(frozen=True, slots=True)
class Search:
    """The newest search of one device, and what was confirmed of it."""

    inquiry: Inquiry
    running: bool
    found: list[tuple[str, FoundFacts]]  # with the words for the field
    confirming: Inquiry | None


def site_or_404(pk: int) -> Site:
    """This site. Raises Http404."""
    return get_object_or_404(Site, pk=pk)


def inquiry_or_404(pk: int) -> Inquiry:
    """This inquiry with its site and device. Raises Http404."""
    return get_object_or_404(Inquiry.objects.select_related("site", "device"), pk=pk)


def header(site: Site) -> dict[str, Any]:
    """The site in short: its server, its scheme, how many of its agents are in contact, and the cutover that is under way."""
    heard = Q(agent__connected=True, agent__revoked_at__isnull=True)
    counted = site.devices.aggregate(of=Count("pk"), here=Count("pk", filter=heard))
    server = site.server
    active = site.cutovers.filter(state__in=sorted(states.ACTIVE)).select_related("probe").first()
    return {
        "site": site,
        "zone": labels.zone_of(site.zone),
        "server": server,
        "scheme": labels.scheme_pill(server.scheme if server else ""),
        "counted": counted,
        "active": active,
        "active_pill": labels.CUTOVER_PILLS[states.Cutover(active.state)] if active else None,
    }


def profile(site: Site) -> dict[str, Any]:
    """The probe profile in use with its warnings, and the versions before it."""
    version = versions.current(site)
    return {
        "version": version,
        "warnings": validator.parse(version.text.encode()).warnings if version else (),
        "versions": list(site.probes.select_related("created_by").order_by("-number")[:_SHOWN]),
    }


def choices(site: Site) -> dict[str, Any]:
    """The devices that may be asked: names of terminals, where they are few enough to choose from."""
    terminals = site.devices.filter(kind=Device.Kind.TERMINAL)
    here = terminals.filter(agent__connected=True, agent__revoked_at__isnull=True)
    return {
        "terminals": list(terminals.values_list("name", flat=True)[: MOST_CHOICES + 1]),
        "here": list(here.values_list("name", flat=True)[: MOST_CHOICES + 1]),
        "most": MOST_CHOICES,
    }


def device_named(site: Site, name: str) -> Device | None:
    """The device of this site with this name."""
    return site.devices.filter(name=name.strip()).first()


def newest_try(site: Site) -> Try | None:
    """What was tried last, of all devices that were asked at the same moment."""
    tried = _of(site, Inquiry.Action.CHECK)
    newest = tried.first()
    if newest is None:
        return None
    together = list(tried.filter(created_at=newest.created_at).order_by("device__kind", "device__name"))
    current = versions.current(site)
    rows = [
        Row(_title(probe, current), [(inquiry.device, _cell(inquiry, number, probe["text"])) for inquiry in together])
        for number, probe in enumerate(newest.probes)
    ]
    given = next((probe["text"] for probe in newest.probes if probe["number"] is None), "")
    return Try(newest.created_at, any(inquiry.ended_at is None for inquiry in together), rows, given)


def newest_lesson(site: Site, now: dt.datetime) -> Lesson | None:
    """What is being learnt, or was learnt last."""
    inquiry = _of(site, Inquiry.Action.RECORD).select_related("device", "terminal").first()
    if inquiry is None:
        return None
    recorded = inquiry.recorded
    own = inquiry.device.kind == Device.Kind.TERMINAL
    text = recorded.proposal.text if recorded.proposal else ""
    warnings, unusable = _judged(text)
    ends = min(recorded.ends_at or inquiry.expires_at, inquiry.expires_at)
    left = min(max((ends - now).total_seconds(), 0), inquiry.seconds)
    host = _host(inquiry, recorded, own=own)
    fresh = inquiry.ended_at is not None and now - inquiry.ended_at < _FRESH
    return Lesson(inquiry, recorded, inquiry.ended_at is None, fresh, own, host, round(left), warnings, unusable)


def newest_search(site: Site) -> Search | None:
    """What was found last, on whichever device."""
    inquiry = _of(site, Inquiry.Action.FIND).first()
    if inquiry is None:
        return None
    confirming = _of(site, Inquiry.Action.ADOPT).filter(device=inquiry.device, pk__gt=inquiry.pk).first()
    waits = confirming is not None and confirming.ended_at is None
    found = [(FIELDS.get(one.field, one.field), one) for one in inquiry.found]
    return Search(inquiry, inquiry.ended_at is None or waits, found, confirming)


def is_newer(tried: Try | None, version: ProbeVersion | None) -> bool:
    """Whether a profile was tried after the one in use was saved, and is not that one."""
    return tried is not None and bool(tried.given) and (version is None or tried.at > version.created_at)


def _of(site: Site, action: Inquiry.Action) -> Any:
    return site.inquiries.filter(action=action).select_related("device").order_by("-pk")


def _title(probe: dict[str, Any], current: ProbeVersion | None) -> str:
    """What was tried, in words that are still right when another profile is in use by now."""
    if probe["text"] == versions.text_of(current):
        return f"Probe profile {current.number}, in use" if current else "Transport proof, in use"
    if probe["number"] is not None:
        return f"Probe profile {probe['number']}, which was in use then"
    return "The profile that you pasted, not saved yet" if probe["text"] else "Transport proof, which was in use then"


def _cell(inquiry: Inquiry, number: int, text: str) -> Cell:
    checked = inquiry.checked
    asked = checked[number] if number < len(checked) else None
    good = asked is not None and asked.good and inquiry.finding is None
    lacks = bool(text) and asked is not None and asked.proof == "transport"
    proof = "application" if text and not lacks else "transport"
    lines = [_line(request) for request in asked.requests] if asked else []
    return Cell(inquiry.ended_at is None, good, proof, lacks, lines, inquiry.finding)


def _line(request: RequestFacts) -> Line:
    section = SECTIONS.get(request.section, request.section)
    if request.finding is not None:
        return Line(section, request.finding.message, request.finding.remedy, "")
    wrong = _MISSED.get(request.missed or "", "")
    if request.by_http_sys:
        wrong = "Windows answered by itself, without the service:"
    parts = [
        f"{request.status or 'no status'} {request.type or 'without a type'}",
        "size unknown" if request.size is None else f"{request.size} bytes",
        "" if request.ms is None else f"{request.ms:.0f} ms",
        request.tls or "without TLS",
    ]
    return Line(section, wrong, ", ".join(part for part in parts if part), (request.sha256 or "")[:12])


def _judged(text: str) -> tuple[tuple[str, ...], str]:
    """(warnings, why it cannot be used) of a profile that an agent proposes: it is checked here once more."""
    if not text:
        return (), ""
    try:
        return validator.parse(text.encode("utf-8", "surrogatepass")).warnings, ""
    except ProbeError as error:
        return (), str(error)[:500]


def _host(inquiry: Inquiry, recorded: RecordFacts, *, own: bool) -> str:
    """What to type as host. Where the server listens, the terminal's own word for it stays, which is known to work."""
    if own:
        return "127.0.0.1"
    if inquiry.was_host:
        return inquiry.was_host
    return recorded.addresses[0] if recorded.addresses else ""
