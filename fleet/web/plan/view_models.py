"""What the plan page reads from the database."""

from fleet.cutover.forecast import Timings
from fleet.models import Cutover, Device, Site
from fleet.services.cutovers.timings import timings


def sites() -> list[Site]:
    """All of them."""
    return list(Site.objects.all())


def server_of(site: Site | None) -> Device | None:
    """The site's server, if it has one."""
    return site.server if site else None


def terminal_names(site: Site) -> list[str]:
    """The names of all terminals of the site, in the order in which waves take them."""
    return list(site.devices.filter(kind=Device.Kind.TERMINAL).values_list("name", flat=True))


def measured(site: Site) -> Timings:
    """How long steps took at this site before, as the forecast for a new cutover uses it."""
    return timings(Cutover(site=site))
