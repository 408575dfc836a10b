"""Which devices a person sets in a cutover: those that are marked so, and terminals on which no agent is enrolled. A server
without an agent is not by hand until it is marked so: its commands cut every terminal off, so nobody may be surprised."""

from typing import NamedTuple

from django.db.models import Q

from fleet.models import DEFAULT_PORT, Device, Site

MARKED = "marked so"
NO_AGENT = "no agent is enrolled"
REVOKED = "its agent was revoked"


class ByHand(NamedTuple):
    """A terminal that a person sets."""

    name: str
    why: str


def why(device: Device) -> str:
    """Why a person sets this device, or "" where an agent does. Read the agent with select_related."""
    if device.by_hand:
        return MARKED
    if device.kind != Device.Kind.TERMINAL:
        return ""
    agent = getattr(device, "agent", None)
    if agent is None:
        return NO_AGENT
    return REVOKED if agent.revoked_at is not None else ""


def is_server(device: Device) -> bool:
    """Whether this is a server that a person sets."""
    return device.kind == Device.Kind.SERVER and device.by_hand


def port(server: Device) -> int:
    """The port for the commands of a server by hand: its own where it is known, otherwise the one that its terminals use."""
    used = server.site.devices.filter(kind=Device.Kind.TERMINAL, port__isnull=False).order_by("name", "id")
    return server.port or used.values_list("port", flat=True).first() or DEFAULT_PORT


def wanted() -> Q:
    """The same for a query of terminals."""
    without = Q(agent__isnull=True) | Q(agent__revoked_at__isnull=False)
    return Q(kind=Device.Kind.TERMINAL) & (Q(by_hand=True) | without)


def of(site: Site) -> list[ByHand]:
    """The site's terminals by hand, in order of name."""
    devices = site.devices.filter(wanted()).select_related("agent").order_by("name", "id")
    return [ByHand(device.name, why(device)) for device in devices]
