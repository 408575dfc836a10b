"""The certificates of a server's store, as its agent reported them."""

import datetime as dt

from fleet.cutover import states
from fleet.device_facts.facts import ServerFacts, StoredCertificate
from fleet.models import Device, Rehearsal, Site
from fleet.preflight.certificate.own_errors import Window, own_errors
from fleet.preflight.site import view as site_view
from fleet.services.errors import Conflict

NONE_FITS = (
    "the server's store has no certificate with a private key that is valid now; "
    "import one (PFX, into Personal of the computer), then plan again"
)


TYPE_IT = "is needed: the server is done by hand, so no agent can choose one from its store; type its thumbprint, 40 hex digits"


def newest(server: Device | None, now: dt.datetime) -> str:
    """The thumbprint of the one that has a key and is valid the longest: the one that readiness judges. Raises Conflict
    where there is none, and for a server by hand, into whose store no agent looks."""
    if server is not None and server.by_hand:
        raise Conflict(f"the certificate {TYPE_IT}: plan the cutover again with it")
    found = site_view.newest(server.server_facts if server else None, now)
    if found is None:
        raise Conflict(NONE_FITS)
    return found.thumbprint


def why_unfit(site: Site, thumbprint: str, window: Window, now: dt.datetime) -> str | None:
    """What is wrong with the certificate that a plan would bind, whatever terminal looks at it, in a sentence without its
    subject; None where nothing is, or nothing is known of the store yet, or the server is done by hand. thumbprint: "" for
    the newest valid certificate."""
    server = site.server
    if server is not None and server.by_hand:
        return None if thumbprint else TYPE_IT
    facts = server.server_facts if server else None
    if facts is None or facts.certificates is None:
        return None
    row = _row(facts, thumbprint, now)
    if row is None:
        return "is not in the server's certificate store" if thumbprint else f"is set to the newest valid one, but {NONE_FITS}"
    start, end = (moment.astimezone(dt.UTC) for moment in window)
    if not (errors := own_errors(row, (start, end), _seen(site, row.thumbprint))):
        return None
    named = "" if thumbprint else f"is set to the newest valid one, and {row.label or 'it'} ({row.thumbprint[:8]}…) "
    return named + "; it ".join(errors)


def _row(facts: ServerFacts, thumbprint: str, now: dt.datetime) -> StoredCertificate | None:
    if not thumbprint:
        return site_view.newest(facts, now)
    return next((row for row in facts.certificates or () if row.thumbprint == thumbprint.upper()), None)


def _seen(site: Site, thumbprint: str) -> tuple[str, ...]:
    """The chain in which this certificate itself was seen: as the server sent it in its last rehearsal."""
    held = Rehearsal.objects.filter(site=site, thumbprint=thumbprint, state=states.Rehearsal.DONE).order_by("-pk").first()
    return held.listener_facts.chain if held else ()
