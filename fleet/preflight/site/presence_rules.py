"""Which devices are there: agents, contact, inventories, versions, exclusions."""

from collections import Counter
from collections.abc import Iterator

from fleet.preflight.site.codes import ALARMS
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import DeviceView, ServerView, SiteView


def check_presence(view: SiteView) -> Iterator[Item]:
    """Items about every device's agent."""
    if view.server is None:
        yield item("no_server", "the site has no server")
    for device in view.devices:
        yield from _device(device, isinstance(device, ServerView))
    yield from _versions(view.devices)
    for terminal in view.terminals:
        if terminal.name in view.excluded:
            yield item("excluded", f"{terminal.name} stays as it is: the plan excludes it", terminal.name)


def _device(device: DeviceView, is_server: bool) -> Iterator[Item]:
    name = device.name
    if device.alarm:
        code = device.alarm.code if device.alarm.code in ALARMS else "agent_alarm"
        yield item(code, f"{name}: {device.alarm.message or 'its agent cannot be trusted'}", name)
    if device.by_hand:
        when = "types its commands at the beginning of the cutover" if is_server else "sets it when its wave comes"
        yield item("by_hand", f"{name} is marked as done by hand: a person {when}", name)
        return
    if device.contact == "none":
        so = "" if is_server else ": a person would have to set it by hand"
        yield item("no_agent", f"{name} has no agent{so}", name)
        return
    if device.contact == "no":
        yield item("server_no_contact" if is_server else "no_contact", f"{name}'s agent is not in contact", name)
    if not device.told or (device.port is None and not device.error):
        yield item("no_inventory", f"no inventory has come from {name}'s agent yet", name)
    if device.error:
        yield item("inventory_error", f"{name}: {device.error}", name)


def _versions(devices: tuple[DeviceView, ...]) -> Iterator[Item]:
    """Each device whose agent does not have the most common version."""
    counted = Counter(device.version for device in devices if device.version)
    if len(counted) < 2:
        return
    most = max(counted, key=lambda version: (counted[version], version))
    for device in devices:
        if device.version and device.version != most:
            message = f"{device.name}'s agent has version {device.version}, most agents here have {most}"
            yield item("agent_versions", message, device.name)
