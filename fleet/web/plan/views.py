"""The plan page: the form, and beside it a preview of what would happen."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from agents.catalogue import ARM_STEPS
from fleet import tasks
from fleet.cutover import forecast, waves, window
from fleet.models import Cutover
from fleet.services import clock
from fleet.services.by_hand import ByHand
from fleet.services.cutovers import actions, planning
from fleet.services.errors import Invalid, ServiceError
from fleet.web import confirmations
from fleet.web.certificates import certificates_of
from fleet.web.entry import take_typed
from fleet.web.labels import plural, span, zone_of
from fleet.web.plan import form as plan_form
from fleet.web.plan import view_models
from fleet.web.plan.form import PlanForm
from fleet.web.view_helpers import for_admins, sentence_of, show

SHOWN = 20  # terminals by hand that the preview names
# Button of the form -> what is done with the draft, and what it was not done when that is refused.
DOES: dict[str, tuple[actions.Verb, str]] = {
    "start": ("start", "started"),
    "schedule": ("start", "scheduled"),
    "submit": ("submit", "submitted"),
}
# Buttons that ask first. The titles do not say "now": that is the label of a field of the form.
BEGIN = (("start", "Start now", "Start the cutover?"), ("schedule", "Schedule", "Schedule the cutover?"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def page(request: HttpRequest) -> HttpResponse:
    """The form; a valid one becomes a draft and countinge step on."""
    now = clock.now()
    typed = request.POST if request.method == "POST" else take_typed(request)
    if typed is not None and request.method != "POST":
        messages.info(request, "This is what you had typed before you logged in. Nothing was planned yet.")
    form = PlanForm(typed, sites=view_models.sites(), initial={"site": request.GET.get("site")})
    verb = request.POST.get("do", "")
    if verb in DOES and form.is_valid():
        try:
            cutover = planning.create(request.user, form.plan(), now)
        except Invalid as refusal:
            form.service_errors(refusal)
        else:
            return _go_on(request, cutover, verb, now)
    refused = bool(verb in DOES and form.errors)
    return show(request, "fleet/plan.html", "plan", _crumbs(), **_context(form, now, refused))


@require_GET
@for_admins
def preview(request: HttpRequest) -> HttpResponse:
    """The preview beside the form; htmx loads it again while a person fills in the form."""
    return show(
        request,
        "fleet/plan/_preview.html",
        fresh=True,
        **_preview(PlanForm(request.GET, sites=view_models.sites()), clock.now()),
    )


def _crumbs() -> list[tuple[str, str]]:
    return [("Fleet", reverse("fleet")), ("Cutovers", reverse("cutovers")), ("Plan cutover", "")]


def _go_on(request: HttpRequest, cutover: Cutover, button: str, now: dt.datetime) -> HttpResponse:
    """Start or submit. A plan that is refused stays as a draft, so nothing that was typed is lost."""
    verb, done = DOES[button]
    try:
        after = actions.act(request.user, cutover.pk, verb, now)
    except ServiceError as refusal:
        messages.error(request, f"Saved as a draft, but not {done}. {sentence_of(refusal)}")
    else:
        tasks.follow(after)
    return redirect("cutover", cutover.pk)


def _context(form: PlanForm, now: dt.datetime, refused: bool) -> dict[str, Any]:
    site = form.chosen_site
    certificates = certificates_of(view_models.server_of(site))
    chosen = form["certificate"].value() or plan_form.NEWEST
    return {
        "form": form,
        "sites": list(form.sites.values()),
        "site": site,
        "certificates": certificates,
        "chosen": chosen,
        "unknown": chosen if chosen not in (plan_form.NEWEST, *(c["thumbprint"] for c in certificates)) else "",
        "newest": plan_form.NEWEST,
        "typed_certificate": "" if chosen == plan_form.NEWEST else chosen,
        "on_close": plan_form.ON_CLOSE,
        "on_threshold": plan_form.ON_THRESHOLD,
        "begin": BEGIN,
        "may_start": site is not None and not site.two_persons,
        "problems": _problems(form) if refused else [],
        **_preview(form, now),
    }


def _problems(form: PlanForm) -> list[tuple[str, str]]:
    """(id of the field, message) for the summary, in the order of the form."""
    out = [("", str(e)) for e in form.non_field_errors()]
    for name, errors in form.errors.items():
        if name != "__all__":
            label = form.fields[name].label or name.replace("_", " ").capitalize()
            out += [(f"id_{name}", f"{label}: {e}") for e in errors]
    return out


def _preview(form: PlanForm, now: dt.datetime) -> dict[str, Any]:
    """Who goes when, how long it takes, until when it can be rolled back. Made of whatever is valid so far."""
    form.is_valid()
    data = getattr(form, "cleaned_data", {})
    site = form.chosen_site
    if site is None:
        return {"preview": None}
    excluded = set(plan_form.names_in(data.get("exclude") or ""))
    names = [n for n in view_models.terminal_names(site) if n not in excluded]
    by_hand, proof = view_models.by_hand(site, excluded), view_models.proof(site)
    layout = waves.lay_out(len(names), form.chosen_waves() if form.is_bound else ())
    starts = data.get("moment") or now
    ends = window.ends_at(starts, data.get("duration_minutes") or 60)
    measured, zone, to = view_models.measured(site), zone_of(site.zone), (data.get("to_scheme") or "https").upper()
    later = form["starts"].value() == "at"
    server_by_hand = view_models.server_by_hand(site)
    opens = starts if later else None
    says = confirmations.beginning(len(names), to, opens, ends, zone, measured, len(by_hand), server_by_hand)
    return {
        "preview": {
            "site": site,
            "says": says if "moment" in data or not later else "Choose a date and a time first.",
            "zone": zone,
            "total": len(names),
            "excluded": len(excluded),
            "waves": _waves(layout, names),
            "starts": starts,
            "ends": ends,
            "at": "moment" in data,
            "takes": span(forecast.forward_s(len(names), measured, len(by_hand))),
            "back": span(forecast.rollback_s(len(names), measured, len(by_hand))),
            "pnr": window.point_of_no_return(ends, len(names), measured, len(by_hand)),
            "why_not": window.why_not(max(now, starts), ends, len(names), measured, len(by_hand)),
            "by_hand": _by_reason(by_hand[:SHOWN]),
            "more_by_hand": max(0, len(by_hand) - SHOWN),
            "to": to,
            "to_https": to == "HTTPS",
            "proof": proof,
            "server": view_models.server_of(site),
            "server_by_hand": server_by_hand,
            "arm": ARM_STEPS,
            "server_steps": view_models.server_steps(proof),
            "terminal_steps": view_models.terminal_steps(site, excluded, proof),
        }
    }


def _by_reason(terminals: list[ByHand]) -> list[tuple[list[str], str]]:
    """(names, why a person sets them) for each reason."""
    found: dict[str, list[str]] = {}
    for terminal in terminals:
        found.setdefault(terminal.why, []).append(terminal.name)
    return [(names, why) for why, names in found.items()]


def _waves(layout: waves.Layout, names: list[str]) -> list[tuple[str, str, int]]:
    """(how many, which, how many may fail) for each wave."""
    out = []
    for number, limit in enumerate(layout.limits):
        members = [n for n, w in zip(names, layout.numbers, strict=True) if w == number]
        which = members[0] if len(members) == 1 else f"{members[0]} to {members[-1]}"
        out.append((plural(len(members), "terminal"), which, limit))
    return out
