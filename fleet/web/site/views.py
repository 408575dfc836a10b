"""The Site page: how the proofs of this site ask its server."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from agents.probes.profile import MAX_BYTES
from fleet.models import Site
from fleet.services import clock
from fleet.services.devices import sites
from fleet.services.errors import Invalid, ServiceError
from fleet.services.probes import mistakes, versions
from fleet.web.entry import take_typed
from fleet.web.site import asking
from fleet.web.site import view_models as model
from fleet.web.view_helpers import for_admins, for_people, sentence_of, show

Errors = dict[str, list[tuple[str, str]]]  # field of the form -> (place inside the profile, sentence)
SAVED = "Probe profile {} is in use from the next cutover or rehearsal on."


@require_GET
@for_people
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about this site that is not a device."""
    return _show(request, model.site_or_404(pk))


@require_POST
@for_admins
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the test member number."""
    site = model.site_or_404(pk)
    typed = request.POST.get("member", "").strip()
    try:
        sites.set_member(request.user, pk, typed, clock.now())
    except Invalid as refusal:
        return _show(request, site, {"member": typed}, {"member": [("", message) for _, message in refusal.errors]})
    messages.success(request, "The test member number is saved.")
    return redirect("site", pk)


@require_POST
@for_admins
def probe(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the profile that was pasted or uploaded; or ask the server by it once, and keep it in the form."""
    site = model.site_or_404(pk)
    typed = {"text": request.POST.get("text", "").replace("\r\n", "\n")}
    try:
        typed["text"] = _uploaded(request) or typed["text"]
        if request.POST.get("do") == "try":
            asking.ask_all(request, site, typed["text"])
            return redirect(f"{reverse('site', args=[pk])}#try")
        saved = versions.save(request.user, pk, typed["text"], clock.now())
    except Invalid as refusal:
        return _show(request, site, typed, {"text": _lines(refusal)})
    messages.success(request, SAVED.format(saved.version.number))
    return redirect("site", pk)


@require_POST
@for_admins
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Use transport proofs again."""
    model.site_or_404(pk)
    try:
        versions.remove(request.user, pk, clock.now())
    except ServiceError as refusal:
        messages.error(request, f"Not removed. {sentence_of(refusal)}")
    else:
        messages.success(request, "The probe profile is removed: transport proofs are used from the next cutover on.")
    return redirect("site", pk)


def _show(request: HttpRequest, site: Site, typed: dict[str, str] | None = None, errors: Errors | None = None) -> HttpResponse:
    sections = asking.sections(site)
    profile = model.profile(site)
    version = profile["version"]
    tried = model.is_newer(sections["tried"], version)
    values = {"member": site.member, "text": sections["tried"].given if tried else versions.text_of(version)}
    if kept := take_typed(request):
        messages.info(request, "This is what you had typed before you logged in. Nothing was saved yet.")
        values |= {name: str(kept[name]) for name in values if name in kept}
    context: dict[str, Any] = {
        **model.header(site),
        **profile,
        **sections,
        "unsaved": tried,
        "typed": values | (typed or {}),
        "errors": errors or {},
    }
    return show(request, "fleet/site.html", "fleet", [("Fleet", reverse("fleet")), (site.name, "")], **context)


def _uploaded(request: HttpRequest) -> str:
    """The text of the file that was chosen, "" without one. Raises Invalid."""
    file = request.FILES.get("file")
    if file is None:
        return ""
    if (file.size or 0) > MAX_BYTES:
        raise Invalid(("probe", f"the file is larger than {MAX_BYTES} bytes"))
    try:
        return str(file.read().decode("utf-8-sig")).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Invalid(("probe", f"the file is not text in UTF-8: {error.reason}")) from error


def _lines(refusal: Invalid) -> list[tuple[str, str]]:
    return [mistakes.split(line) for _, line in refusal.errors]
