"""What the pages of devices by hand read from the database."""

from dataclasses import dataclass

from django.http import Http404

from fleet.models import Cutover, Device, DeviceRun
from fleet.services import by_hand
from fleet.services.cutovers.by_hand import direction
from fleet.web import manual_steps


@dataclass(frozen=True, slots=True)
class Place:
    """One device by hand in one cutover."""

    device: Device
    run: DeviceRun | None  # None before the cutover is scheduled
    why: str  # why a person sets it; "" where its agent does


def place_or_404(cutover: Cutover, device_id: int) -> Place:
    """This device in this cutover. Raises Http404 where it is none of the site's terminals, nor its server by hand."""
    found = cutover.site.devices.filter(pk=device_id).select_related("agent", "site").first()
    if found is None:
        raise Http404("this site has no such terminal")
    run = cutover.runs.filter(device=found).select_related("device", "answered_by").first()
    place = Place(found, run, _why(found, run))
    if found.kind == Device.Kind.SERVER and not place.why:
        raise Http404("this site's server is not done by hand")
    return place


def server_place(cutover: Cutover) -> Place | None:
    """The site's server, where it is by hand."""
    found = cutover.site.devices.filter(kind=Device.Kind.SERVER).select_related("agent", "site").first()
    run = cutover.runs.filter(device=found).select_related("device", "answered_by").first() if found else None
    place = Place(found, run, _why(found, run)) if found else None
    return place if place and place.why else None


def steps(cutover: Cutover, device: Device, scheme: str) -> list[manual_steps.Step]:
    """What to do at this device so that it speaks this scheme. Nothing at a server is what an agent said as text: somebody
    types it as administrator."""
    if device.kind == Device.Kind.SERVER:
        return manual_steps.server(scheme, by_hand.port(device), cutover.certificate_thumbprint)
    return [manual_steps.Step(text) for text in manual_steps.terminal(scheme, cutover.site.member)]


def places(cutover: Cutover) -> list[Place]:
    """All terminals by hand that take part, in order of name."""
    devices = cutover.site.devices.filter(kind=Device.Kind.TERMINAL).select_related("agent").order_by("name", "id")
    if not cutover.runs.exists():
        found = [Place(device, None, by_hand.why(device)) for device in devices.exclude(name__in=cutover.exclude)]
        return [place for place in found if place.why]
    runs = {run.device_id: run for run in cutover.runs.filter(by_hand=True).select_related("answered_by")}
    return [Place(device, runs[device.pk], _why(device, runs[device.pk])) for device in devices if device.pk in runs]


def asked_key(cutover: Cutover, run: DeviceRun | None) -> str:
    """What the page's question depends on: where this is the same, the page need not change."""
    if run is None:
        return f"{cutover.state}"
    return f"{cutover.state}-{direction(cutover)}-{run.state}-{run.asks}-{run.answered_at}"


def _why(device: Device, run: DeviceRun | None) -> str:
    """A run keeps what was decided when the cutover began, whatever happened to the agent since."""
    if run is None:
        return by_hand.why(device)
    return by_hand.why(device) or "it was by hand when the cutover began" if run.by_hand else ""
