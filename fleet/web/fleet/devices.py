"""One terminal or the server: what its agent reports, what was done on it, and its name, note and tags."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from fleet.cutover.states import Cutover as C
from fleet.device_facts.facts import TerminalFacts
from fleet.models import Device, DeviceRun, Transition
from fleet.services import by_hand, clock
from fleet.services.devices import descriptions
from fleet.services.errors import Invalid, NotFound
from fleet.web import device_steps, labels, manual_steps
from fleet.web.certificates import certificate_rows
from fleet.web.entry import take_typed
from fleet.web.fleet import view_models
from fleet.web.view_helpers import for_admins, for_people, is_admin, show


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def page(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The device; a POST changes what people write about it."""
    device = view_models.device_or_404(pk, kind)
    if request.method == "POST":
        return _edit(request, device)
    typed = {"name": device.name, "note": device.note, "tags": ", ".join(device.tags)}
    if device.kind == Device.Kind.TERMINAL:
        typed |= {"address": device.address}
    else:
        typed |= {"port": str(device.port or "")}
    typed |= {"by_hand": "on" if device.by_hand else ""}
    if kept := take_typed(request):
        messages.info(request, "This is what you had typed before you logged in. Nothing was saved yet.")
        typed |= {name: str(kept[name]) for name in typed if name in kept}
    return _show(request, device, typed, {})


@for_admins
def _edit(request: HttpRequest, device: Device) -> HttpResponse:
    typed = {name: request.POST.get(name, "") for name in ("name", "note", "tags", "address", "port", "by_hand")}
    described = descriptions.Described(typed["name"], typed["note"], typed["tags"].split(","), by_hand=bool(typed["by_hand"]))
    if device.kind == Device.Kind.TERMINAL:
        described = replace(described, address=typed["address"].strip())
    elif port := typed["port"].strip():
        described = replace(described, port=int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0)
    try:
        descriptions.describe(request.user, device.pk, described)
    except Invalid as refusal:
        return _show(
            request, device, typed, {field: f"{message[:1].upper()}{message[1:]}." for field, message in refusal.errors}
        )
    except NotFound:
        return redirect("fleet")
    messages.success(request, "Saved.")
    return redirect(device.kind, device.pk)


def _show(request: HttpRequest, device: Device, typed: dict[str, str], errors: dict[str, str]) -> HttpResponse:
    ctx: dict[str, Any] = {
        "device": device,
        "agent": getattr(device, "agent", None),
        "zone": labels.zone_of(device.site.zone),
        "scheme": labels.scheme_pill(device.scheme),
        "contact": labels.contact_pill(getattr(device, "agent", None)),
        "state": view_models.current_state(device),
        "by_hand": by_hand.why(device),
        "runs": [_run(run) for run in view_models.runs_of(device)],
        "transitions": [_line(t) for t in view_models.transitions_of(device)],
        "facts": _facts(device),
        "typed": typed,
        "errors": errors,
        "edits": is_admin(request),
    }
    crumbs = [("Fleet", reverse("fleet")), (device.name, "")]
    return show(request, "fleet/device.html", "fleet", crumbs, **ctx)


def _line(t: Transition) -> dict[str, Any]:
    pill = labels.run_pill(t.new, t.cutover.to_scheme)
    return {"t": t, "pill": pill, "reason": labels.reason_beside(pill, t.reason)}


def _run(run: DeviceRun) -> dict[str, Any]:
    return {
        "run": run,
        "by_hand": manual_steps.steps(run),
        "pill": labels.run_pill(run.state, run.cutover.to_scheme, cut_off=run.cut_off_since is not None),
        "cut_off": device_steps.cut_off_of(run),
        "cutover_pill": labels.CUTOVER_PILLS[C(run.cutover.state)],
        "outage": labels.seconds(run.outage_ms),
        "steps": [_step(step) for step in run.steps.all()],
    }


def _step(step: Any) -> dict[str, Any]:
    told = step.evidence if isinstance(step.evidence, dict) else {}
    return {
        "title": device_steps.step_title(step.name, transport=told.get("proof") == "transport"),
        "undone": step.direction == "back",
        "at": step.at,
        "took": labels.seconds(step.took_ms),
        "evidence": evidence(step.evidence),
    }


def evidence(told: Any) -> list[tuple[str, str]]:
    """What a device gave as proof, as pairs of text: it may be anything that JSON can say."""
    if not isinstance(told, dict):
        return [("evidence", str(told)[:500])] if told else []
    return [(str(k)[:60].replace("_", " "), str(v)[:500]) for k, v in list(told.items())[:40]]


def _facts(device: Device) -> dict[str, Any]:
    """The error that its agent reports; of the server also its store, reservations, bindings and services."""
    if device.kind != Device.Kind.SERVER:
        told = device.terminal_facts
        return {"error": told.error, "touch": _touch(told, labels.zone_of(device.site.zone))}
    facts = device.server_facts
    return {
        "error": facts.error,
        "certificates": certificate_rows(facts),
        "urlacl": _shown(facts.reservations, "url", "sddl"),
        "sslcert": _shown(facts.bindings, "endpoint", "certhash", "rehearsal"),
        "services": _shown(facts.services, "name", "state", "start_type"),
    }


def _touch(facts: TerminalFacts, zone: dt.tzinfo) -> str:
    """Whether Touch runs, by the terminal's own clock, and how a cutover restarts it; "" where neither is known."""
    touch, said = facts.touch, ""
    if touch and touch.running is not None:
        said = "runs" if touch.running else "is closed"
        if touch.running and touch.since_ms is not None:
            since = clock.from_ms(touch.since_ms).astimezone(zone)
            said = f"runs since {since:%a} {since.day} {since:%b %H:%M:%S}"
    if facts.restart is None:
        return said
    what = "Touch is restarted in a cutover" if facts.restart.how == "program" else "the terminal is restarted in a cutover"
    return f"{said}; {what}" if said else what[:1].upper() + what[1:]


def _shown(rows: Iterable[object] | None, *names: str) -> list[dict[str, Any]]:
    """These attributes of each row; "" where the device told none."""
    return [{name: getattr(row, name) or "" for name in names} for row in rows or ()]
