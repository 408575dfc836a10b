"""What an item of attention is, and what every source of them shares."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from fleet.cutover import states
from fleet.device_facts.lenient import mapping, text
from fleet.models import Cutover, Site

LIMIT = 200  # items that anybody is shown; the rest is counted
LONGEST = 600
# While one of these goes on, terminals and server differ because they are being moved.
UNDER_WAY = frozenset(states.RUNNING | {states.Cutover.PAUSED, states.Cutover.ROLLING_BACK})

Severity = Literal["error", "warning"]


class Rank(IntEnum):
    """How grave, the gravest first: members who wait, then what may be wrong unseen, then what will be."""

    CUT_OFF = 0
    DIFFERS = 1
    CUTOVER = 2
    ALARM = 3
    SITE = 4
    SERVER_AWAY = 5
    CERTIFICATE = 6
    APPROVAL = 7
    AWAY = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a person should look at. site: its id; device: its name, None where it is about the whole site;
    path: the page where one deals with it; dismiss: it is the site's warning, which an admin takes down by hand."""

    rank: Rank
    code: str
    severity: Severity
    site: int
    site_name: str
    device: str | None
    message: str
    remedy: str
    path: str
    dismiss: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What one source has found. items: at most LIMIT, in the order in which they are shown; count: how many there are."""

    items: list[Item]
    count: int


def bounded(rows: QuerySet[Any]) -> tuple[list[Any], int]:
    """The first LIMIT of these rows, and how many there are: a second query only where that is not seen."""
    found = list(rows[: LIMIT + 1])
    return found[:LIMIT], len(found) if len(found) <= LIMIT else rows.order_by().count()


def newest_of(site: OuterRef) -> QuerySet[Cutover]:
    """The cutover that this site's terminals' states are of, first: the newest that was started."""
    began = Q(started_at__isnull=False) | Q(state__in=sorted(UNDER_WAY | {states.Cutover.NEEDS_PERSON}))
    return Cutover.objects.filter(began, site=site).order_by("-epoch", "-pk")


def newest_started() -> QuerySet[Any]:
    """The ids of each site's newest cutover that was started."""
    newest = Subquery(newest_of(OuterRef("pk")).values("pk")[:1])
    return Site.objects.order_by().annotate(newest=newest).filter(newest__isnull=False).values("newest")


def said(finding: Any, key: str, otherwise: str = "") -> str:
    """A text of a finding, which may be a device's words: one line, cut short."""
    return text(mapping(finding).get(key), LONGEST) or otherwise


def code_of(finding: Any, otherwise: str) -> str:
    """A finding's code."""
    return text(mapping(finding).get("code"), 40) or otherwise


def at(moment: dt.datetime) -> str:
    """A moment in a sentence."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def page_of(row: Mapping[str, Any], prefix: str = "device__") -> str:
    """A device's own page."""
    return reverse(row[f"{prefix}kind"], args=[row[f"{prefix}id"]])
