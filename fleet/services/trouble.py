"""What keeps failing inside the dashboard for one site: kept beside it, shown as attention, tried again with growing
pauses. The clocks of all other sites go on."""

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from agents.log import said
from fleet.models import Site

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60
REMEDY = "It is tried again by itself. If it stays, send the dashboard's log to support; Roll back is possible meanwhile."


@dataclass(slots=True)
class Outcome:
    """failed: whether what was done in contained() failed."""

    failed: bool = False


@contextlib.contextmanager
def contained(site_id: int, doing: str, now: dt.datetime) -> Iterator[Outcome]:
    """What fails in here in a way nobody foresaw fails for this site alone, and is kept beside it. A database that is
    away or locked is everybody's trouble: that is raised."""
    outcome = Outcome()
    try:
        yield outcome
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("site %s: %s failed", site_id, doing)
        outcome.failed = True
        _note(site_id, doing, error, now)


def _note(site_id: int, doing: str, error: Exception, now: dt.datetime) -> None:
    with transaction.atomic():
        site = Site.objects.select_for_update().get(pk=site_id)
        before: dict[str, Any] = site.trouble or {}
        tries = before.get("tries", 0) + 1
        site.trouble = {
            "code": "dashboard_error",
            "message": f"{doing} fails at this site: {said(f'{type(error).__name__}: {error}')}",
            "remedy": REMEDY,
            "since": before.get("since", now.isoformat()),
            "tries": tries,
            "next_at": (now + dt.timedelta(seconds=min(2 ** min(tries, 10), LONGEST_PAUSE_S))).isoformat(),
        }
        site.save(update_fields=["trouble"])


def over(site: Site) -> None:
    """It went well again."""
    if site.trouble is not None:
        with transaction.atomic():
            Site.objects.filter(pk=site.pk).update(trouble=None)


def may_try(site: Site, now: dt.datetime) -> bool:
    """Whether it is time to try this site again."""
    if site.trouble is None:
        return True
    wait = dt.datetime.fromisoformat(site.trouble["next_at"]) - now
    # A clock that was put back is no reason to wait for its old time to come again.
    return wait <= dt.timedelta(0) or wait > dt.timedelta(seconds=LONGEST_PAUSE_S)
