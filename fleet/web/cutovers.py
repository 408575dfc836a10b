"""The list of cutovers, and the report of one: the outage of each terminal."""

import datetime as dt
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from fleet.cutover.states import AT_REST, COUNTS_AS_FAILED
from fleet.cutover.states import Cutover as C
from fleet.models import Cutover, DeviceRun
from fleet.services import clock
from fleet.web import device_steps, labels, view_models
from fleet.web.exports import csv_response
from fleet.web.view_helpers import for_people, paged, show

BY_HAND = ("by_hand", "proof", "answered_by", "answered_at", "answer_note")  # columns of the CSV


@require_GET
@for_people
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, each with its state and counts."""
    terminal = Q(runs__kind="terminal")
    found = Cutover.objects.select_related("site", "requested_by").annotate(
        terminals=Count("runs", filter=terminal),
        verified=Count("runs", filter=terminal & Q(runs__state="verified")),
        failed=Count("runs", filter=terminal & Q(runs__state__in=COUNTS_AS_FAILED)),
    )
    if (state := request.GET.get("state", "")) in list(C):
        found = found.filter(state=state)
    page = paged(request, found.order_by("-pk"))
    for cutover in page.object_list:
        cutover.pill = labels.CUTOVER_PILLS[C(cutover.state)]
        cutover.zone = labels.zone_of(cutover.site.zone)
    states = [(s.value, labels.CUTOVER_PILLS[s].word) for s in C]
    crumbs = [("Fleet", reverse("fleet")), ("Cutovers", "")]
    return show(request, "fleet/cutovers.html", "cutovers", crumbs, page=page, states=states, state=state)


@require_GET
@for_people
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """A page to print the next morning, with the outage of every terminal."""
    cutover, now = view_models.load(pk), clock.now()
    n = view_models.numbers(cutover, now)
    server = view_models.server_run(cutover)
    ctx: dict[str, Any] = {
        "cutover": cutover,
        "zone": labels.zone_of(cutover.site.zone),
        "pill": labels.CUTOVER_PILLS[C(cutover.state)],
        "n": n,
        "failed": n.failed + n.of("undo_failed"),
        "verified": n.of("verified"),
        "median": labels.seconds(n.median_ms),
        "worst": labels.seconds(n.worst_at(now)),
        "cause": labels.cause_of(cutover.cause),
        "ended": cutover.ended_at if cutover.state in AT_REST else None,
        "took": labels.span((cutover.ended_at - cutover.started_at).total_seconds())
        if cutover.ended_at and cutover.started_at and cutover.state in AT_REST
        else "–",
        "server": server,
        "proof": view_models.proof(cutover),
        "secure": cutover.to_scheme == "https",
        "server_marks": device_steps.server_marks(server),
        "page": paged(request, _runs(cutover), 500),
    }
    for run in ctx["page"].object_list:
        run.pill = labels.run_pill(run.state, cutover.to_scheme, cut_off=run.cut_off_since is not None)
        run.outage, run.cut_off = labels.seconds(run.outage_ms), _cut_off(run, now)
        run.proven = labels.PROOFS.get(run.proof, "–")
        run.before, run.after = _before_after(cutover, run)
    crumbs = [
        ("Fleet", reverse("fleet")), ("Cutovers", reverse("cutovers")),
        (f"{cutover.site}, cutover {pk}", reverse("cutover", args=[pk])), ("Report", ""),
    ]  # fmt: skip
    return show(request, "fleet/report.html", "cutovers", crumbs, **ctx)


@require_GET
@for_people
def report_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for a spreadsheet."""
    cutover = view_models.load(pk)
    header = ("terminal", "wave", "state", "before", "after", "outage_ms", "cut_off_ms", "cut_off_since", "attempts",
              "changed_at", *BY_HAND, "finding", "remedy", "cause")  # fmt: skip
    rows = (_csv_row(cutover, run) for run in _runs(cutover))
    return csv_response(f"cutover-{pk}", header, rows)


def _csv_row(cutover: Cutover, run: DeviceRun) -> tuple[Any, ...]:
    finding = run.finding or {}
    at = run.changed_at.isoformat(timespec="milliseconds")
    since = run.cut_off_since.isoformat(timespec="milliseconds") if run.cut_off_since else None
    answered = run.answered_at.isoformat(timespec="milliseconds") if run.answered_at else None
    before, after = _before_after(cutover, run)
    by_hand = ("yes" if run.by_hand else "no", run.proof, run.answered_by, answered, run.answer_note)
    return (run.device.name, run.wave + 1, run.state, before, after, run.outage_ms, run.cut_off_ms, since, run.attempts, at,
            *by_hand, finding.get("message"), finding.get("remedy"),
            labels.in_one_line(labels.cause_of(cutover.cause)))  # fmt: skip


def _cut_off(run: DeviceRun, now: dt.datetime) -> str:
    """How long it was cut off, in words; if it still is, how long up to now."""
    if run.cut_off_since is None:
        return labels.seconds(run.cut_off_ms)
    return f"{labels.seconds(clock.to_ms(now) - clock.to_ms(run.cut_off_since))}, and counting"


def _runs(cutover: Cutover) -> Any:
    return cutover.runs.filter(kind="terminal").select_related("device", "answered_by").order_by("device__name", "pk")


def _before_after(cutover: Cutover, run: DeviceRun) -> tuple[str, str]:
    """(scheme before, scheme after) this cutover; "?" where the state does not tell which scheme the device is on."""
    before = cutover.from_scheme
    if run.state == "verified":
        return before, cutover.to_scheme
    return before, "?" if run.state in ("switching", "undoing", "unreachable", "undo_failed") else before
