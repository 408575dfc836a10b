"""Which devices have an agent, whether it is in contact, and how to shut one out."""

from django.contrib import messages
from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from fleet import tasks
from fleet.models import Device
from fleet.services import clock
from fleet.services.agents import admission
from fleet.services.errors import ServiceError
from fleet.web import labels
from fleet.web.live.views import sentence_of
from fleet.web.view_helpers import for_admins, for_people, is_admin, paged, show


@require_GET
@for_people
def index(request: HttpRequest) -> HttpResponse:
    """Devices without contact first: those are the ones to walk to."""
    gone = Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False) | Q(agent__connected=False)
    gone |= Q(agent__quarantined_at__isnull=False)
    found = Device.objects.select_related("site", "agent").annotate(first=Case(When(gone, then=Value(0)), default=Value(1)))
    if q := request.GET.get("q", "").strip():
        found = found.filter(Q(name__icontains=q) | Q(agent__pk__startswith=q) | Q(site__name__icontains=q))
    page = paged(request, found.order_by("first", "site__name", "name", "pk"))
    for device in page.object_list:
        device.contact = labels.contact_pill(getattr(device, "agent", None))
        device.zone = labels.zone_of(device.site.zone)
        device.revocable = is_admin(request) and hasattr(device, "agent") and device.agent.revoked_at is None
    return show(request, "fleet/agents.html", "agents", [("Fleet", reverse("fleet")), ("Agents", "")], page=page, q=q)


@require_POST
@for_admins
def revoke(request: HttpRequest, agent_id: str) -> HttpResponse:
    """Shut it out at once."""
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
    device = Device.objects.filter(pk=device_id).first()
    if device is None:
        messages.error(request, "There is no such device.")
        return redirect("agents")
    made = admission.new_token(device, clock.now(), actor=request.user.get_username())
    crumbs = [("Fleet", reverse("fleet")), ("Agents", reverse("agents")), ("Token", "")]
    response = show(request, "fleet/token.html", "agents", crumbs, device=device, token=made)
    response["Cache-Control"] = "no-store"
    return response
