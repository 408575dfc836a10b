"""Adds sites and devices, and does what people do with a site as a whole."""

import datetime as dt
import zoneinfo
from typing import Any

from django.db import transaction

from fleet.models import Device, Role, Site, role_of
from fleet.services import events
from fleet.services.errors import Forbidden, Invalid, NotFound
from fleet.services.text import why_not

LONGEST_MEMBER = 32  # characters
MOST_HOURS = 24 * 90  # of a rehearsal policy
MOST_WORDS = 500  # characters


def add_site(name: str, *, zone: str, member: str, two_persons: bool = True) -> Site:
    """A new venue. zone: IANA name; member: the member number that lookups ask for. Raises Invalid."""
    if zone not in zoneinfo.available_timezones():
        raise Invalid(("zone", f"{zone!r} is not an IANA time zone"))
    with transaction.atomic():
        return Site.objects.create(name=name, zone=zone, member=member, two_persons=two_persons)


def add_device(site: Site, kind: str, name: str, *, note: str = "", tags: list[str] | None = None) -> Device:
    """A new server or terminal of this site. Raises Invalid for a second server, and for a name that is taken."""
    with transaction.atomic():
        if site.devices.filter(name=name).exists():
            raise Invalid(("name", f"{name!r} is taken at this site"))
        if kind == Device.Kind.SERVER and site.server:
            raise Invalid(("kind", "the site has a server already"))
        return Device.objects.create(site=site, kind=kind, name=name, note=note, tags=tags or [])


def dismiss_warning(user: Any, site_id: int) -> None:
    """Remove a site's warning, because a person has looked at it. Raises Forbidden."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin dismisses a warning")
    with transaction.atomic():
        Site.objects.filter(pk=site_id).update(warning=None)


def set_by_hand_words(user: Any, site_id: int, words: str) -> None:
    """Set where Secured is at this site's terminals, in the site's own words; a person at a terminal by hand reads them above
    ours. Raises Forbidden, NotFound, Invalid."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin changes a site's words")
    words = words.replace("\r\n", "\n").strip()
    if why := why_not(words, longest=MOST_WORDS, lines=True):
        raise Invalid(("by_hand_words", why))
    with transaction.atomic():
        if not Site.objects.filter(pk=site_id).update(by_hand_words=words):
            raise NotFound("there is no such site")


def set_member(user: Any, site_id: int, member: str, now: dt.datetime) -> Site:
    """Set the number of the test member that every proof asks for. Raises Forbidden, NotFound, Invalid."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin changes the test member number")
    if not 0 < len(member) <= LONGEST_MEMBER or not member.isprintable() or " " in member:
        raise Invalid(("member", f"must have 1 to {LONGEST_MEMBER} visible characters and no blanks"))
    with transaction.atomic():
        site = Site.objects.select_for_update().filter(pk=site_id).first()
        if site is None:
            raise NotFound("there is no such site")
        if site.member != member:
            text = f"test member number of {site}: {site.member}, now {member}"
            Site.objects.filter(pk=site_id).update(member=member)
            events.note(site.server, "member_changed", text, now, actor=user.get_username())
            site.member = member
    return site


def set_policy(user: Any, site_id: int, *, rehearsal_hours: int | None, rehearse_every_hours: int) -> None:
    """Set a site's rehearsal policy. rehearsal_hours: how old a rehearsal may be at approval, None if none is required;
    rehearse_every_hours: how often one begins automatically, 0 for never. Raises Forbidden, NotFound, Invalid."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin changes the rehearsal policy")
    errors = []
    if rehearsal_hours is not None and not 1 <= rehearsal_hours <= MOST_HOURS:
        errors.append(("rehearsal_hours", f"must be a whole number of hours from 1 to {MOST_HOURS}, or empty"))
    if not 0 <= rehearse_every_hours <= MOST_HOURS:
        errors.append(("rehearse_every_hours", f"must be a whole number of hours from 0 to {MOST_HOURS}"))
    if errors:
        raise Invalid(*errors)
    with transaction.atomic():
        changed = Site.objects.filter(pk=site_id).update(
            rehearsal_hours=rehearsal_hours, rehearse_every_hours=rehearse_every_hours
        )
    if not changed:
        raise NotFound("there is no such site")
