"""Keeps an error of the dashboard itself to the one site where it happens. It is stored in Site.trouble, shown as
attention, and the work is tried again after growing pauses. The work for all other sites goes on."""

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
REMEDY = "The dashboard retries automatically. If that does not help, send its log to support. Roll back remains possible."


@dataclass(slots=True)
class Outcome:
    """How the block of contained() ended."""

    failed: bool = False


@contextlib.contextmanager
def contained(site_id: int, doing: str, now: dt.datetime) -> Iterator[Outcome]:
    """An unexpected exception in this block is stored as the site's trouble and not raised. A database that is away or
    locked concerns all sites, so that error is raised. doing: what the block does, for the message."""
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
    """Remove the site's trouble, because the work succeeded."""
    if site.trouble is not None:
        with transaction.atomic():
            Site.objects.filter(pk=site.pk).update(trouble=None)


def may_try(site: Site, now: dt.datetime) -> bool:
    """Whether it is time to try this site again."""
    if site.trouble is None:
        return True
    wait = dt.datetime.fromisoformat(site.trouble["next_at"]) - now
    # A longer wait than any pause means that the clock was set back; then it is tried at once.
    return wait <= dt.timedelta(0) or wait > dt.timedelta(seconds=LONGEST_PAUSE_S)
