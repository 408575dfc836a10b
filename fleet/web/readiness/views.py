"""The Readiness page: can this site be moved, what blocks it, and what it will cost."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from fleet import tasks
from fleet.models import Site
from fleet.preflight.cost.measured import load_of
from fleet.preflight.site.advice import advise
from fleet.services import clock, readiness
from fleet.services.devices import sites
from fleet.services.errors import Invalid, NotFound, ServiceError
from fleet.services.rehearsals import lifecycle, measured
from fleet.web.certificates import certificates_of
from fleet.web.exports import csv_response
from fleet.web.labels import span, zone_of
from fleet.web.readiness import view_models as model
from fleet.web.readiness.form import HOURS, LOOKUPS, SiteForm
from fleet.web.view_helpers import for_admins, for_people, sentence_of, show, wants_part

Crumbs = list[tuple[str, str]]


@require_GET
@for_people
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The verdict, then blockers, warnings, passed checks and cost."""
    site = model.site_or_404(pk)
    assessment = readiness.assess_for_page(site, clock.now())
    items = assessment.readiness.items
    addresses = model.addresses(site, items)
    context = {
        "site": site,
        "zone": zone_of(site.zone),
        "readiness": assessment.readiness,
        "verdict": model.VERDICT_PILLS[assessment.readiness.verdict],
        "says": model.sentence(assessment.readiness, len(assessment.view.taking_part)),
        "levels": [
            (level, model.LEVEL_PILLS[level], assessment.readiness.count(level), model.groups(items, level, addresses))
            for level in ("error", "warning", "info", "fine")
        ],
        "plan": assessment.plan,
        "held": assessment.held,
        "certificates": certificates_of(model.server_of(site)),
        "history": model.history(site),
        **model.progress(site),
        **_cost(site, assessment, request),
    }
    return show(request, "fleet/readiness.html", "fleet", _crumbs(site), **context)


@require_GET
@for_people
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The running rehearsal. htmx loads it once a second; when it has ended, the whole page is loaded again."""
    site = model.site_or_404(pk)
    found = model.progress(site)
    if found["running"] is None:
        return HttpResponseClientRefresh() if wants_part(request) else redirect("readiness", pk)
    return show(request, "fleet/readiness/_progress.html", site=site, **found)


@require_POST
@for_admins
def rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Start a rehearsal, or show why it cannot start."""
    model.site_or_404(pk)
    try:
        _, after = lifecycle.start(request.user, pk, request.POST.get("thumbprint", ""), clock.now())
    except ServiceError as refusal:
        messages.error(request, f"Not started. {sentence_of(refusal)}")
    else:
        tasks.follow(after)
    return redirect("readiness", pk)


@require_POST
@for_admins
def policy(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the site's rehearsal policy."""
    model.site_or_404(pk)
    try:
        hours = _whole(request, "rehearsal_hours")
        every = _whole(request, "rehearse_every_hours") or 0
        sites.set_policy(request.user, pk, rehearsal_hours=hours, rehearse_every_hours=every)
    except NotFound:
        return redirect("fleet")
    except ServiceError as refusal:
        messages.error(request, f"Not saved. {sentence_of(refusal)}")
    else:
        messages.success(request, "Saved.")
    return redirect("readiness", pk)


@require_GET
@for_people
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Every finding, for a spreadsheet."""
    site = model.site_or_404(pk)
    found = readiness.assess_site(site, clock.now())
    rows = ((i.severity, i.code, i.title, i.device, i.message, i.remedy) for i in found.items)
    return csv_response(f"readiness-{pk}", ("level", "code", "title", "device", "message", "remedy"), rows)


def _crumbs(site: Site) -> Crumbs:
    return [("Fleet", reverse("fleet")), (site.name, reverse("site", args=[site.pk])), ("Readiness", "")]


def _whole(request: HttpRequest, name: str) -> int | None:
    """The number in this field, None for an empty one. Raises Invalid."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid((name, "must be a whole number of hours"))
    return int(text)


def _cost(site: Site, assessment: readiness.Assessment, request: HttpRequest) -> dict[str, Any]:
    form = SiteForm(request.GET if "asked" in request.GET else None)
    form.is_valid()
    cost = measured.cost(site, assessment.held, assessment.checks)
    answers = form.answers()
    checks = assessment.view.checks().values()
    found = {
        "form": form,
        "lookups": request.GET.get("lookups", LOOKUPS),
        "hours": request.GET.get("hours", HOURS),
        "advice": advise(answers, [a for s in checks for a in (s.own_address, s.address)]) if answers else None,
        "cost": cost,
    }
    if cost is None:
        return found
    load = None if form.errors else load_of(cost, *form.load())
    return found | {
        "bars": model.bars(cost),
        "changes": model.change_rows(cost, measured.after(site)),
        "load": load,
        "load_lookups": f"{load.lookups:,}" if load else "",
        "load_http": [model.traffic(value) for value in load.bytes_http] if load else [],
        "load_https": [model.traffic(value) for value in load.bytes_https] if load else [],
        "load_cpu": span(load.cpu_s[1]) if load and load.cpu_s else "",
        "cpu": [model.ms(value) for value in (cost.cpu_full_ms, cost.cpu_resumed_ms) if value is not None],
    }
