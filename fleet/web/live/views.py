"""The live page of a cutover, its buttons, and the question that a destructive one asks first."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from fleet import tasks
from fleet.cutover.states import Cutover as C
from fleet.models import Cutover
from fleet.services import clock
from fleet.services.cutovers import actions
from fleet.services.errors import NotFound, ServiceError
from fleet.web import confirmations
from fleet.web import view_models as shared
from fleet.web.live import fragments, view_models
from fleet.web.view_helpers import for_people, sentence_of, show, wants_part

FINAL = (C.CANCELLED, C.ROLLED_BACK)


@require_GET
@for_people
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The page as of one version; the stream continues from that version."""
    now, cutover = clock.now(), shared.load(pk)
    ctx = fragments.context(cutover, request.user, now, get_token(request))
    table = view_models.rows(cutover, view_models.in_table(cutover))
    ctx |= {
        "parts": fragments.render_parts(ctx),
        "now_ms": clock.to_ms(now),
        "cells": fragments.cells(cutover),
        "table": table,
        "too_many": len(table) if len(table) < ctx["n"].total else 0,
        "log": view_models.lines(cutover, -1, cutover.version),
        "listens": cutover.state not in FINAL or ctx["n"].cut_off,
        "questions": [
            (fragments.labelled(c, cutover, now), ctx["says"].get(c.verb, ""))
            for c in fragments.ASKING.values()
            if actions.may(request.role, c.verb)  # type: ignore[attr-defined]  # for_people sets it
        ],
        "planned": shared.planned(cutover) if not table else 0,
        "by_hand": shared.any_by_hand(cutover),
    }
    return show(request, "fleet/live.html", "cutovers", _crumbs(cutover), **ctx)


@require_POST
@for_people
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """A button was pressed. htmx gets the changed parts of the page, or the reason of the refusal; a browser without scripts is
    redirected to the page."""
    if verb not in actions.VERBS:
        raise Http404("no such action")
    now, error = clock.now(), ""
    try:
        after = actions.act(request.user, pk, verb, now)
    except NotFound as missing:
        raise Http404(str(missing)) from missing
    except ServiceError as refusal:
        error = sentence_of(refusal)
    else:
        tasks.follow(after)
    if not wants_part(request):
        if error:
            messages.error(request, error)
        return redirect("cutover", pk)
    cutover = shared.load(pk)
    ctx = fragments.context(cutover, request.user, now, get_token(request))
    parts = fragments.render_parts(ctx).values()
    return show(request, "fleet/live/_answer.html", parts=parts, error=error, version=cutover.version)


@require_GET
@for_people
def confirm(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """The dialog's question as a page, for a browser without scripts."""
    cutover, now = shared.load(pk), clock.now()
    control = fragments.ASKING.get(verb)
    if control is None:
        raise Http404("nothing to confirm")
    control = fragments.labelled(control, cutover, now)
    text = confirmations.what_will_happen(verb, cutover, shared.numbers(cutover, now), now)
    crumbs = [*_crumbs(cutover)[:-1], (str(cutover.site), reverse("cutover", args=[pk])), (control.label, "")]
    return show(request, "fleet/confirm.html", "cutovers", crumbs, cutover=cutover, control=control, text=text)


def _crumbs(cutover: Cutover) -> list[tuple[str, str]]:
    return [("Fleet", reverse("fleet")), ("Cutovers", reverse("cutovers")), (f"{cutover.site}, cutover {cutover.pk}", "")]
