"""What stands between a plan and its approval: a rehearsal that is young enough and went well for everybody."""

import datetime as dt

from fleet.models import Cutover, Device, Rehearsal
from fleet.services import rehearsals
from fleet.services.errors import Conflict

SHOWN = 5


def refuse_unrehearsed(cutover: Cutover, thumbprint: str, now: dt.datetime) -> None:
    """Raises Conflict, with what to do, where the site's policy asks for a rehearsal with this certificate and there
    is none that will do. The way back to HTTP needs none, nor does the rest of a site whose server is over already."""
    site = cutover.site
    server = site.server
    if site.rehearsal_hours is None or cutover.to_scheme != "https" or (server and server.scheme == "https"):
        return
    rehearsal = rehearsals.last(site)
    if why := _unfit(rehearsal, site.rehearsal_hours, thumbprint, now):
        raise Conflict(f"{why}: rehearse on the site's Readiness page, then try again")
    assert rehearsal is not None
    if names := _not_ready(cutover, rehearsal):
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        raise Conflict(
            f"not ready in the last rehearsal: {shown}; mend what the Readiness page says and rehearse again, "
            "or exclude these terminals by name"
        )


def _unfit(rehearsal: Rehearsal | None, hours: int, thumbprint: str, now: dt.datetime) -> str | None:
    if rehearsal is None or rehearsal.finished_at is None:
        return "this site asks for a rehearsal before a cutover is approved, and there was none"
    age_h = (now - rehearsal.finished_at).total_seconds() / 3600
    if age_h > hours:
        return f"the last rehearsal is {age_h:.0f} hours old, and this site asks for one of the last {hours}"
    if rehearsal.thumbprint != thumbprint:
        return "the last rehearsal was with another certificate"
    return None


def _not_ready(cutover: Cutover, rehearsal: Rehearsal) -> list[str]:
    """Terminals that take part and were not shown to be ready, by name: one that was added since is among them."""
    good = rehearsal.seats.filter(answered_at__isnull=False, finding__isnull=True).values("device")
    taking_part = cutover.site.devices.filter(kind=Device.Kind.TERMINAL).exclude(name__in=cutover.exclude)
    return list(taking_part.exclude(pk__in=good).order_by("name", "pk").values_list("name", flat=True))
