"""The page of a device by hand, for the phone of whoever stands there, and the print-out of a plan."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from fleet import tasks
from fleet.cutover.states import Cutover as State
from fleet.cutover.states import Run
from fleet.models import Cutover
from fleet.services import clock
from fleet.services.cutovers import by_hand
from fleet.services.devices import sites
from fleet.services.errors import Forbidden, Invalid, NotFound, ServiceError
from fleet.web import labels, manual_steps
from fleet.web import view_models as shared
from fleet.web.by_hand import qr, view_models, words
from fleet.web.entry import take_typed
from fleet.web.view_helpers import for_admins, for_people, sentence_of, show


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def page(request: HttpRequest, pk: int, device_id: int) -> HttpResponse:
    """What to do at this device now; a POST is the person's answer."""
    if request.method == "POST":
        return _answer(request, pk, device_id)
    typed = take_typed(request)
    if typed is not None:
        messages.info(request, "This is what you had typed before you logged in. Nothing was answered yet.")
    return _page(request, pk, device_id, note=str(typed["note"]) if typed and "note" in typed else "")


@require_GET
@for_people
def look(request: HttpRequest, pk: int, device_id: int) -> HttpResponse:
    """The part of the page that changes, for htmx; without content where it is what the page shows already, so that nothing
    disappears under a thumb that is typing."""
    ctx = _context(request, pk, device_id)
    if request.GET.get("seen") == ctx["key"]:
        return HttpResponse(status=204)
    return show(request, "fleet/by_hand/_now.html", **ctx)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def print_out(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan on paper, with a row for each terminal by hand and a section for the server by hand: what to do there, and the
    address of its page. A POST changes the site's own words for where the setting is."""
    cutover = shared.load(pk)
    if request.method == "POST":
        return _words(request, cutover)
    return _print_out(request, cutover)


@for_admins
def _words(request: HttpRequest, cutover: Cutover) -> HttpResponse:
    words = request.POST.get("by_hand_words", "")
    try:
        sites.set_by_hand_words(request.user, cutover.site_id, words)
    except Invalid as refusal:
        error = f"{refusal.errors[0][1]}."
        return _print_out(request, cutover, status=422, typed=words, error=f"{error[:1].upper()}{error[1:]}")
    messages.success(request, "Saved.")
    return redirect("print", cutover.pk)


def _print_out(request: HttpRequest, cutover: Cutover, *, status: int = 200, **said: Any) -> HttpResponse:
    places = view_models.places(cutover)
    ctx: dict[str, Any] = {
        "cutover": cutover,
        "zone": labels.zone_of(cutover.site.zone),
        "pill": labels.CUTOVER_PILLS[State(cutover.state)],
        "total": shared.numbers(cutover, clock.now()).total or shared.planned(cutover),
        "proof": shared.proof(cutover),
        "secure": cutover.to_scheme == "https",
        "steps": manual_steps.terminal(cutover.to_scheme, cutover.site.member),
        "back": manual_steps.terminal(cutover.from_scheme, cutover.site.member),
        "rows": [_row(request, cutover, place) for place in places],
        "server": _server_sheet(request, cutover),
        "typed": cutover.site.by_hand_words,
        **said,
    }
    crumbs = [*_crumbs(cutover), ("Print-out", "")]
    return show(request, "fleet/print.html", "cutovers", crumbs, status=status, **ctx)


def _row(request: HttpRequest, cutover: Cutover, place: view_models.Place) -> dict[str, Any]:
    address = request.build_absolute_uri(reverse("by_hand", args=[cutover.pk, place.device.pk]))
    return {"place": place, "address": address, "qr": qr.svg(address)}


def _server_sheet(request: HttpRequest, cutover: Cutover) -> dict[str, Any] | None:
    """The commands of a server by hand, both ways; None where an agent does them."""
    place = view_models.server_place(cutover)
    if place is None:
        return None
    ways = {name: view_models.steps(cutover, place.device, scheme) for name, scheme in
            (("forward", cutover.to_scheme), ("back", cutover.from_scheme))}  # fmt: skip
    return _row(request, cutover, place) | ways | {"go_on": manual_steps.GO_ON}


def _answer(request: HttpRequest, pk: int, device_id: int) -> HttpResponse:
    cutover = shared.load(pk)
    place = view_models.place_or_404(cutover, device_id)
    note = request.POST.get("note", "")
    try:
        after = by_hand.answer(
            request.user,
            pk,
            place.device.name,
            request.POST.get("result", ""),
            clock.now(),
            note=note,
            scheme=request.POST.get("scheme") or None,
        )
    except NotFound as missing:
        raise Http404(str(missing)) from missing
    except Invalid as refusal:
        errors = {field: f"{message[:1].upper()}{message[1:]}." for field, message in refusal.errors}
        return _page(request, pk, device_id, note=note, errors=errors, status=422)
    except ServiceError as refusal:
        status = 403 if isinstance(refusal, Forbidden) else 409
        return _page(request, pk, device_id, note=note, refusal=sentence_of(refusal), status=status)
    tasks.follow(after)
    return redirect("by_hand", pk, device_id)


def _page(request: HttpRequest, pk: int, device_id: int, *, status: int = 200, **said: Any) -> HttpResponse:
    ctx = _context(request, pk, device_id) | said
    name = ctx["place"].device.name
    return show(request, "fleet/by_hand.html", "cutovers", [*_crumbs(ctx["cutover"]), (name, "")], status=status, **ctx)


def _context(request: HttpRequest, pk: int, device_id: int) -> dict[str, Any]:
    cutover = shared.load(pk)
    place = view_models.place_or_404(cutover, device_id)
    run = place.run
    question = words.question(cutover, place.device, run)
    return {
        "cutover": cutover,
        "place": place,
        "run": run,
        "question": question,
        "key": view_models.asked_key(cutover, run),
        "may": by_hand.may(request.role),  # type: ignore[attr-defined]  # for_people sets it
        "zone": labels.zone_of(cutover.site.zone),
        "pill": labels.run_pill(run.state, cutover.to_scheme, cut_off=run.cut_off_since is not None) if run else None,
        "until_ms": clock.to_ms(run.deadline_at) if run and run.deadline_at and question.kind == "act" else None,
        "now_ms": clock.to_ms(clock.now()),
        "changes_mind": run is not None and run.state == Run.VERIFIED and question.kind == "done",
        "paused": cutover.state == State.PAUSED,
        "ends": cutover.state in (State.ROLLED_BACK, State.CANCELLED),
    }


def _crumbs(cutover: Cutover) -> list[tuple[str, str]]:
    return [
        ("Fleet", reverse("fleet")),
        ("Cutovers", reverse("cutovers")),
        (f"{cutover.site}, cutover {cutover.pk}", reverse("cutover", args=[cutover.pk])),
    ]
