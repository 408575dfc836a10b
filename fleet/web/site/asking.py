"""What a person asks the site's devices on the Site page: try a profile, learn one from a terminal, find settings."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from fleet import tasks
from fleet.models import Device, Inquiry, ProbeVersion, Site
from fleet.services import clock
from fleet.services.after_commit import AfterCommit
from fleet.services.errors import Invalid, ServiceError
from fleet.services.probes import inquiries, versions
from fleet.services.probes.inquiries import Wanted
from fleet.web.labels import Pill
from fleet.web.site import view_models as model
from fleet.web.view_helpers import as_id, for_admins, for_people, sentence_of, show, wants_part

PARTS = ("try", "learn", "find")
SECONDS = ((60, "1 minute"), (120, "2 minutes"), (300, "5 minutes"), (600, "10 minutes"))


def sections(site: Site) -> dict[str, Any]:
    """What the three parts of the page show."""
    return {
        "tried": model.newest_try(site),
        "lesson": model.newest_lesson(site, clock.now()),
        "search": model.newest_search(site),
        "seconds": SECONDS,
        "asking_pill": Pill("run", "◐", "Asking"),
        "listening_pill": Pill("run", "◐", "Listening"),
        **model.choices(site),
    }


@require_GET
@for_people
def progress(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """One part of the page. htmx loads it once a second while something goes on there. Raises Http404 for another part."""
    if part not in PARTS:
        raise Http404("the page has no such part")
    site = model.site_or_404(pk)
    if not wants_part(request):
        return redirect(_back(site, part))
    return show(request, f"fleet/site/_{part}.html", **model.header(site), **model.profile(site), **sections(site))


@require_POST
@for_admins
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the server once by the profile in use, from itself and from one terminal."""
    site = model.site_or_404(pk)
    ask_all(request, site)
    return redirect(_back(site, "try"))


def ask_all(request: HttpRequest, site: Site, text: str = "") -> None:
    """Let the server and the chosen terminal ask, by the profile in use and by this one. A device that cannot be asked is
    named in a message. Raises Invalid for a text that is no profile."""
    now, after = clock.now(), AfterCommit()
    texts = [versions.text_of(versions.current(site))]
    if text and text != texts[0]:
        texts.append(text)
    chosen = request.POST.get("terminal", "")
    terminal = model.device_named(site, chosen) if chosen else None
    if chosen and terminal is None:
        messages.error(request, f"There is no device named {chosen[:100]}.")
    devices = {device.pk: device for device in (site.server, terminal) if device is not None}
    if not devices:
        messages.error(request, "Nobody was asked: the site has no server yet. Choose a terminal.")
    for device in devices.values():
        try:
            after.add(inquiries.start(request.user, site.pk, Wanted("check", device.pk, texts=texts), now)[1])
        except Invalid:
            raise
        except ServiceError as refusal:
            messages.error(request, f"{device.name} was not asked. {sentence_of(refusal)}")
    tasks.follow(after)


@require_POST
@for_admins
def learn(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin to learn from a terminal."""
    site = model.site_or_404(pk)
    terminal = model.device_named(site, request.POST.get("terminal", ""))
    listener = site.server if request.POST.get("listener") == "server" else terminal
    seconds = as_id(request.POST.get("seconds", ""))
    if terminal is None or terminal.kind != Device.Kind.TERMINAL:
        messages.error(request, "Not started. Choose the terminal to learn from.")
    elif listener is None:
        messages.error(request, "Not started. The site has no server yet.")
    else:
        _start(request, site, Wanted("record", listener.pk, seconds=seconds, terminal_id=terminal.pk))
    return redirect(_back(site, "learn"))


@require_POST
@for_admins
def find(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a device look for its service and settings."""
    site = model.site_or_404(pk)
    device = model.device_named(site, request.POST.get("device", ""))
    if device is None:
        messages.error(request, "Not started. Choose the device that is to look.")
    else:
        _start(request, site, Wanted("find", device.pk))
    return redirect(_back(site, "find"))


@require_POST
@for_admins
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """End a recording now."""
    inquiry = model.inquiry_or_404(pk)
    try:
        tasks.follow(inquiries.stop(request.user, pk, clock.now()))
    except ServiceError as refusal:
        messages.error(request, f"Not stopped. {sentence_of(refusal)}")
    return redirect(_back(inquiry.site, "learn"))


@require_POST
@for_admins
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Use the profile that was learnt."""
    inquiry = model.inquiry_or_404(pk)
    proposal = inquiry.recorded.proposal
    try:
        if proposal is None or not proposal.text:
            raise Invalid(("probe", "nothing was learnt"))
        source = ProbeVersion.Source.RECORDED
        saved = versions.save(request.user, inquiry.site_id, proposal.text, clock.now(), source)
    except ServiceError as refusal:
        messages.error(request, f"Not saved. {sentence_of(refusal)}")
    else:
        messages.success(request, f"Probe profile {saved.version.number} is in use from the next cutover or rehearsal on.")
    return redirect("site", inquiry.site_id)


@require_POST
@for_admins
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm one thing that a device has found."""
    inquiry = model.inquiry_or_404(pk)
    pair = request.POST.get("field", ""), request.POST.get("value", "")
    _start(request, inquiry.site, Wanted("adopt", inquiry.device_id, settings=[pair]))
    return redirect(_back(inquiry.site, "find"))


def _start(request: HttpRequest, site: Site, wanted: Wanted) -> Inquiry | None:
    try:
        inquiry, after = inquiries.start(request.user, site.pk, wanted, clock.now())
    except ServiceError as refusal:
        messages.error(request, f"Not started. {sentence_of(refusal)}")
        return None
    tasks.follow(after)
    return inquiry


def _back(site: Site, part: str) -> str:
    return f"{reverse('site', args=[site.pk])}#{part}"
