"""Which terminals a person sets in a cutover: those that are marked so, and those on which no agent is enrolled."""

from typing import NamedTuple

from django.db.models import Q

from fleet.models import Device, Site

MARKED = "marked so"
NO_AGENT = "no agent is enrolled"
REVOKED = "its agent was revoked"


class ByHand(NamedTuple):
    """A terminal that a person sets."""

    name: str
    why: str


def why(device: Device) -> str:
    """Why a person sets this terminal, or "" where an agent does. Read the agent with select_related."""
    if device.kind != Device.Kind.TERMINAL:
        return ""
    if device.by_hand:
        return MARKED
    agent = getattr(device, "agent", None)
    if agent is None:
        return NO_AGENT
    return REVOKED if agent.revoked_at is not None else ""


def wanted() -> Q:
    """The same for a query of devices."""
    without = Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False)
    return Q(kind=Device.Kind.TERMINAL) & (Q(by_hand=True) | without)


def of(site: Site) -> list[ByHand]:
    """The site's terminals by hand, in order of name."""
    devices = site.devices.filter(wanted()).select_related("agent").order_by("name", "id")
    return [ByHand(device.name, why(device)) for device in devices]
