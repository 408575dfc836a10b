"""What the pages of terminals by hand read from the database."""

from dataclasses import dataclass

from django.http import Http404

from fleet.models import Cutover, Device, DeviceRun
from fleet.services import by_hand
from fleet.services.cutovers.by_hand import direction


@dataclass(frozen=True, slots=True)
class Place:
    """One terminal by hand in one cutover."""

    device: Device
    run: DeviceRun | None  # None before the cutover is scheduled
    why: str  # why a person sets it; "" where its agent does


def place_or_404(cutover: Cutover, device_id: int) -> Place:
    """This terminal in this cutover. Raises Http404 where it is none of the site's terminals."""
    found = cutover.site.devices.filter(pk=device_id, kind=Device.Kind.TERMINAL).select_related("agent").first()
    if found is None:
        raise Http404("this site has no such terminal")
    run = cutover.runs.filter(device=found).select_related("device", "answered_by").first()
    return Place(found, run, _why(found, run))


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
    return by_hand.why(device) or "it had no agent when the cutover began" if run.by_hand else ""
