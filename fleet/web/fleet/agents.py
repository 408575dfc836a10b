"""Which devices have an agent, whether it is in contact, and how to revoke it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from fleet import tasks
from fleet.services import clock
from fleet.services.agents import admission
from fleet.services.errors import ServiceError
from fleet.web import labels
from fleet.web.fleet import view_models
from fleet.web.view_helpers import for_admins, for_people, is_admin, paged, sentence_of, show


@require_GET
@for_people
def index(request: HttpRequest) -> HttpResponse:
    """Devices without contact first: somebody has to go there."""
    q = request.GET.get("q", "").strip()
    page = paged(request, view_models.with_agents(q))
    for device in page.object_list:
        device.contact = labels.contact_pill(getattr(device, "agent", None))
        device.zone = labels.zone_of(device.site.zone)
        device.revocable = is_admin(request) and hasattr(device, "agent") and device.agent.revoked_at is None
    return show(request, "fleet/agents.html", "agents", [("Fleet", reverse("fleet")), ("Agents", "")], page=page, q=q)


@require_POST
@for_admins
def revoke(request: HttpRequest, agent_id: str) -> HttpResponse:
    """Revoke an agent, effective immediately."""
    try:
        after = admission.revoke(request.user, agent_id, clock.now())
    except ServiceError as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        tasks.follow(after)
        messages.success(
            request, "Revoked. Its connection is closed. To let the device connect again, make a new token for it."
        )
    return redirect("agents")


@require_POST
@for_admins
def token(request: HttpRequest, device_id: int) -> HttpResponse:
    """A new one-time token for a device, shown once."""
    device = view_models.device(device_id)
    if device is None:
        messages.error(request, "There is no such device.")
        return redirect("agents")
    made = admission.new_token(device, clock.now(), actor=request.user.get_username())
    crumbs = [("Fleet", reverse("fleet")), ("Agents", reverse("agents")), ("Token", "")]
    response = show(request, "fleet/token.html", "agents", crumbs, device=device, token=made)
    response["Cache-Control"] = "no-store"
    return response
