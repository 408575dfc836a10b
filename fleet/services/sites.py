"""Adding sites and devices."""

import zoneinfo

from django.db import transaction

from fleet.models import Device, Site
from fleet.services.errors import Invalid


def add_site(name: str, *, zone: str, member: str, two_persons: bool = True) -> Site:
    """A new venue. zone: IANA name; member: a member number that lookups may ask for. Raises Invalid."""
    if zone not in zoneinfo.available_timezones():
        raise Invalid(("zone", f"{zone!r} is no IANA time zone"))
    with transaction.atomic():
        return Site.objects.create(name=name, zone=zone, member=member, two_persons=two_persons)


def add_device(site: Site, kind: str, name: str, *, note: str = "", tags: list[str] | None = None) -> Device:
    """A server or a terminal of this site. Raises Invalid for a second server or a name that is taken."""
    with transaction.atomic():
        if site.devices.filter(name=name).exists():
            raise Invalid(("name", f"{name!r} is taken at this site"))
        if kind == Device.Kind.SERVER and site.server:
            raise Invalid(("kind", "the site has a server already"))
        return Device.objects.create(site=site, kind=kind, name=name, note=note, tags=tags or [])
