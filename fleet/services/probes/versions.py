"""A site's probe profile and its versions: which is in use, and how a new one is kept."""

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction

from agents.probes import grammar, validator, writer
from agents.probes.profile import MAX_BYTES, ProbeError
from fleet.cutover import states
from fleet.cutover.proofs import Statuses
from fleet.models import Cutover, Device, ProbeVersion, Role, Site, role_of
from fleet.services import events
from fleet.services.errors import Forbidden, Invalid, NotFound

ProofKind = Literal["application", "transport"]
Source = ProbeVersion.Source
_DRAFTS = frozenset({states.Cutover.DRAFT, states.Cutover.SUBMITTED})  # nothing is frozen yet
MAX_PATH = 200  # characters, as the agents take it


@dataclass(frozen=True, slots=True)
class Saved:
    """A version that was kept."""

    version: ProbeVersion
    warnings: tuple[str, ...]  # what a person should look at before the next cutover, one sentence each


def current(site: Site) -> ProbeVersion | None:
    """The version in use, or None where the site uses transport proofs."""
    newest = site.probes.order_by("-number").first()
    return newest if newest is not None and newest.text else None


def of(cutover: Cutover) -> ProbeVersion | None:
    """The version by which this cutover proves, or will prove once it is scheduled. None: by transport proofs."""
    return current(cutover.site) if cutover.state in _DRAFTS else cutover.probe


def proof_kind(version: int | None) -> ProofKind:
    """What a proof with this version (its primary key) shows: that the service answers a lookup, or without a version only
    that the connection works."""
    return "application" if version is not None else "transport"


def statuses(version: ProbeVersion | None) -> Statuses | None:
    """What the dashboard itself checks of an application proof; None for a transport proof."""
    return _statuses(version.text) if version is not None else None


@functools.lru_cache(maxsize=64)
def _statuses(text: str) -> Statuses:
    profile = validator.parse(text.encode()).profile
    return Statuses(profile.interfaces.expect.status, profile.member.expect.status)


def transport_path(server: Device | None) -> str:
    """The path at which a transport proof asks: that of the URL which the service has reserved, because http.sys answers for
    other paths by itself. "/" where the server's agent has not told it, or told one that no request can have."""
    reservations = server.server_facts.reservations if server is not None else None
    for row in reservations or ():
        path = "/" + row.url.partition("://")[2].partition("/")[2]
        if server is not None and row.port == server.port and len(path) <= MAX_PATH and grammar.is_plain_path(path):
            return path
    return "/"


def text_of(version: ProbeVersion | None) -> str:
    """Its TOML, "" for transport proofs: two versions with the same text ask in the same way."""
    return version.text if version is not None else ""


def for_agents(text: str) -> str:
    """A valid profile as it stands in a signed message: without comments; "" for "", a transport proof."""
    return writer.write(validator.parse(text.encode()).profile) if text else ""


def save(user: Any, site_id: int, text: str, now: dt.datetime, source: Source = Source.UPLOADED) -> Saved:
    """Keep this TOML as the site's newest version. The text that is in use already makes no new version. It counts from
    the next cutover or rehearsal on; a cutover that was scheduled before keeps its own. Raises Forbidden, NotFound, and
    Invalid with every mistake in the profile."""
    site = _site(user, site_id)
    try:
        checked = validator.parse(text.encode("utf-8", "surrogatepass"))
    except ProbeError as error:
        raise Invalid(*[("probe", line) for line in error.errors]) from error
    if len(writer.write(checked.profile).encode()) > MAX_BYTES:
        raise Invalid(("probe", f"is larger than {MAX_BYTES} bytes when it is written out for the agents"))
    with transaction.atomic():
        return Saved(_next(site, text, source, user, now), checked.warnings)


def remove(user: Any, site_id: int, now: dt.datetime) -> None:
    """Let the site use transport proofs again, from the next cutover or rehearsal on. Raises Forbidden, NotFound."""
    site = _site(user, site_id)
    with transaction.atomic():
        if current(site) is not None:
            _next(site, "", Source.REMOVED, user, now)


def _site(user: Any, site_id: int) -> Site:
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin changes the probe profile")
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        raise NotFound("there is no such site")
    return site


def _next(site: Site, text: str, source: Source, user: Any, now: dt.datetime) -> ProbeVersion:
    Site.objects.select_for_update().get(pk=site.pk)  # so that two persons at once get two numbers
    newest = site.probes.order_by("-number").first()
    if newest is not None and newest.text == text:
        return newest
    number = newest.number + 1 if newest else 1
    version = ProbeVersion.objects.create(
        site=site, number=number, text=text, source=source, created_by=user, created_at=now
    )  # fmt: skip
    what = "removed: transport proofs are used" if source is Source.REMOVED else source.value
    events.note(site.server, "probe_changed", f"probe profile {number} of {site}: {what}", now, actor=user.get_username())
    return version
