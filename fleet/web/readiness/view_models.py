"""What the Readiness page shows: the verdict in words, findings by code, measurements as bars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404
from django.urls import reverse

from fleet.cutover import states
from fleet.models import Device, Rehearsal, Site
from fleet.preflight.cost.measured import Change, Cost
from fleet.preflight.site.codes import Level
from fleet.preflight.site.readiness import Item, Readiness
from fleet.services.rehearsals.measured import After
from fleet.web.labels import Pill, plural

LEVEL_PILLS: dict[str, Pill] = {
    "error": Pill("bad", "▲", "Blockers"),
    "warning": Pill("warn", "!", "Warnings"),
    "info": Pill("wait", "i", "Information"),
    "fine": Pill("ok", "✓", "Passed"),
}
VERDICT_PILLS: dict[str, Pill] = {
    "ready": Pill("ok", "✓", "Ready"),
    "warnings": Pill("warn", "!", "Ready, with warnings"),
    "blocked": Pill("bad", "▲", "Not ready"),
    "unknown": Pill("wait", "?", "Not known yet"),
}
REHEARSAL_PILLS: dict[str, Pill] = {
    states.Rehearsal.OPENING: Pill("run", "◐", "Preparing the server"),
    states.Rehearsal.ASKING: Pill("run", "◐", "Testing terminals"),
    states.Rehearsal.DONE: Pill("ok", "✓", "Completed"),
    states.Rehearsal.FAILED: Pill("bad", "▲", "Failed"),
}
KIND_WORDS = {
    "http_new": "HTTP today, new connection",
    "http_kept": "HTTP today, kept alive",
    "https_new": "HTTPS, new connection",
    "https_resumed": "HTTPS, session resumed",
    "https_kept": "HTTPS, kept alive",
}
WAY_WORDS = {"new": "New connection", "resumed": "Session resumed", "kept": "Kept alive"}
_SHOWN = 10  # rehearsals in the history
_OPEN = 12  # rows of a group that are shown without being asked for
_SCALE = 1000  # units across a bar


@dataclass(slots=True)
class Group:
    """The findings of one code."""

    code: str
    title: str
    remedy: str
    # (name of the device, address of its page or "", the message without the name in front)
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def first(self) -> list[tuple[str, str, str]]:
        return self.rows[:_OPEN]

    @property
    def rest(self) -> list[tuple[str, str, str]]:
        return self.rows[_OPEN:]


@dataclass(frozen=True, slots=True)
class Bar:
    """One kind of lookup as a bar from its p50 to its p95."""

    words: str  # the kind of lookup
    tone: str  # CSS class
    p50: str
    p95: str
    size: str  # bytes of a lookup
    start: int  # thousandths of the page's widest bar
    width: int  # the same


def groups(items: Iterable[Item], level: Level, addresses: Mapping[str, str]) -> list[Group]:
    """The items of this level by their code, in order of first appearance."""
    found: dict[str, Group] = {}
    for item in items:
        if item.severity == level:
            group = found.setdefault(item.code, Group(item.code, item.title, item.remedy))
            name = item.device or ""
            begins = bool(name) and item.message.startswith(name)
            group.rows.append((name, addresses.get(name, ""), item.message[len(name) :] if begins else f" {item.message}"))
    return list(found.values())


def sentence(readiness: Readiness, terminals: int) -> str:
    """The verdict in one sentence."""
    errors, warnings = readiness.count("error"), readiness.count("warning")
    if readiness.verdict == "ready":
        return f"All checks passed: {plural(terminals, 'terminal')} and the server."
    if readiness.verdict == "unknown":
        return "No terminal has tested the certificate yet. Rehearse: it takes a few seconds and changes nothing."
    warned = f" {plural(warnings, 'warning')} to review." if warnings else ""
    if readiness.verdict == "blocked":
        return f"{plural(errors, 'blocker')} would make the cutover fail.{warned}"
    return f"No blockers; {plural(warnings, 'warning')} to review."


def bars(cost: Cost) -> list[Bar]:
    """Today's HTTP and tomorrow's HTTPS, by kind of connection."""
    kinds = [cost.kind(name) for name in KIND_WORDS if cost.kind(name).count]
    widest = max((kind.p95 or 0.0 for kind in kinds), default=0.0) or 1.0
    made = []
    for kind in kinds:
        p50, p95 = kind.p50 or 0.0, kind.p95 or 0.0
        start = round(_SCALE * p50 / widest)
        width = max(round(_SCALE * p95 / widest) - start, 6)
        tone = "https" if kind.name.startswith("https") else "http"
        made.append(Bar(KIND_WORDS[kind.name], tone, ms(p50), ms(p95), size(kind.size), min(start, _SCALE - width), width))
    return made


def change_rows(cost: Cost, after: dict[str, After]) -> list[dict[str, str]]:
    """The prediction for each way of connecting, with the measurement after the cutover where there is one."""
    return [_change(change, after.get(change.way)) for change in cost.changes]


def _change(change: Change, after: After | None) -> dict[str, str]:
    low, high = change.p95.low, change.p95.high
    inside = after is not None and (change.predicted.low or 0) <= after.p95 <= (change.predicted.high or float("inf"))
    return {
        "way": WAY_WORDS[change.way],
        "typical": signed(change.p50.value),
        "slow": signed(change.p95.value),
        "between": between(low, high),
        "told": told(change) if (low, high) != (None, None) else "",
        "today": ms(change.live_p95),
        "predicted": ms(max(change.predicted.value, 0.0)),
        "after": f"{ms(after.p95)} ({plural(after.count, 'lookup')})" if after else "",
        "inside": ("as predicted" if inside else "outside the prediction") if after else "",
    }


def site_or_404(pk: int) -> Site:
    """This site. Raises Http404."""
    return get_object_or_404(Site, pk=pk)


def server_of(site: Site) -> Device | None:
    """The site's server, if it has one."""
    return site.server


def progress(site: Site) -> dict[str, Any]:
    """The rehearsal that is under way with its pill, and how many of its terminals have answered; running: None where there
    is none."""
    running = Rehearsal.objects.filter(site=site, state__in=sorted(states.REHEARSING)).first()
    if running is None:
        return {"running": None}
    terminals = Q(device__kind="terminal")
    counted = running.checks.aggregate(
        of=Count("pk", filter=terminals & Q(agent__isnull=False)),
        answered=Count("pk", filter=terminals & Q(answered_at__isnull=False)),
        bad=Count("pk", filter=terminals & Q(answered_at__isnull=False, finding__isnull=False)),
    )
    return {"running": running, "running_pill": REHEARSAL_PILLS[running.state], "counted": counted}


def history(site: Site) -> list[dict[str, Any]]:
    """The site's last rehearsals with their counts, newest first."""
    return [
        {
            "rehearsal": rehearsal,
            "pill": REHEARSAL_PILLS[rehearsal.state],
            "by": rehearsal.requested_by.get_username() if rehearsal.requested_by else "automatic",
            "counts": f"{rehearsal.ready} ready, {rehearsal.not_ready} not ready, {rehearsal.silent} without an answer",
        }
        for rehearsal in _last_rehearsals(site)
    ]


def _last_rehearsals(site: Site) -> Any:
    terminals = Q(checks__device__kind="terminal")
    answered = terminals & Q(checks__answered_at__isnull=False)
    found = Rehearsal.objects.filter(site=site).select_related("requested_by").defer("facts")
    return found.annotate(
        ready=Count("checks", filter=answered & Q(checks__finding__isnull=True)),
        not_ready=Count("checks", filter=answered & Q(checks__finding__isnull=False)),
        silent=Count("checks", filter=terminals & Q(checks__answered_at__isnull=True)),
    ).order_by("-pk")[:_SHOWN]


def addresses(site: Site, items: Iterable[Item]) -> dict[str, str]:
    """The address of the page of each device that an item names, by the device's name."""
    named = {item.device for item in items}
    return {
        name: reverse("server" if kind == Device.Kind.SERVER else "terminal", args=[pk])
        for name, pk, kind in site.devices.values_list("name", "pk", "kind")
        if name in named
    }


def ms(value: float) -> str:
    """Milliseconds that can be compared at a glance."""
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def signed(value: float) -> str:
    """A change of milliseconds."""
    sign = "±" if abs(value) < 0.05 else "−" if value < 0 else "+"
    return f"{sign}{ms(abs(value))}"


def between(low: float | None, high: float | None) -> str:
    """An interval of changes, as far as it is known."""
    if low is None and high is None:
        return "too few measurements to say whether there is a difference"
    if high is None:
        return f"95 % confidence: at least {signed(low or 0.0)}; too few measurements for an upper limit"
    if low is None:
        return f"95 % confidence: at most {signed(high)}; too few measurements for a lower limit"
    return f"95 % confidence: {signed(low)} to {signed(high)}"


def told(change: Change) -> str:
    """Whether the lookups differ. The interval shown beside it is that of the slow lookups, so both always agree."""
    if change.slow_differs:
        return "a real difference"
    if change.typical_differs:
        return "the typical lookup differs; the slow ones show no measurable difference"
    return "no measurable difference"


def size(value: float | None) -> str:
    """Bytes of one lookup."""
    return "–" if value is None else f"{value:,.0f} B" if value < 10_000 else f"{value / 1000:,.1f} kB"


def traffic(value: float) -> str:
    """Bytes of a day."""
    return f"{value / 1e6:,.1f} MB" if value < 1e9 else f"{value / 1e9:,.2f} GB"
