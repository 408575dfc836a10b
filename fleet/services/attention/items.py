"""An item of the attention list, and what all sources of items share."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from django.db.models import QuerySet
from django.urls import reverse

from fleet.device_facts.lenient import mapping, text

LIMIT = 200  # items that are shown; the others are counted
LONGEST = 600  # characters of a text

Severity = Literal["error", "warning"]


class Rank(IntEnum):
    """How important an item is, the most important first."""

    # Members cannot be looked up now.
    CUT_OFF = 0
    DIFFERS = 1
    CUTOVER = 2
    BY_HAND = 3
    # Something may be wrong that nobody has noticed yet.
    ALARM = 4
    SITE = 5
    SERVER_AWAY = 6
    # Something will go wrong, or waits.
    CERTIFICATE = 7
    APPROVAL = 8
    AWAY = 9


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a person should look at."""

    rank: Rank
    code: str
    severity: Severity
    site: int  # its id
    site_name: str
    device: str | None  # its name; None where the item is about the whole site
    message: str
    remedy: str
    path: str  # of the page where a person deals with it
    dismiss: bool = False  # it is the site's warning, which an admin removes by hand


@dataclass(frozen=True, slots=True)
class Found:
    """What one source has found."""

    items: list[Item]  # at most LIMIT, in the order in which they are shown
    count: int  # how many there are, also of those that are not shown


def bounded(rows: QuerySet[Any]) -> tuple[list[Any], int]:
    """The first LIMIT of these rows, and how many there are. It takes a second query only if there are more than LIMIT."""
    found = list(rows[: LIMIT + 1])
    return found[:LIMIT], len(found) if len(found) <= LIMIT else rows.order_by().count()


def said(finding: Any, key: str, otherwise: str = "") -> str:
    """A text of a finding in one line of at most LONGEST characters; a device may have chosen it."""
    return text(mapping(finding).get(key), LONGEST) or otherwise


def code_of(finding: Any, otherwise: str) -> str:
    """A finding's code."""
    return text(mapping(finding).get("code"), 40) or otherwise


def at(moment: dt.datetime) -> str:
    """A moment as it stands in a sentence, in UTC."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def page_of(row: Mapping[str, Any], prefix: str = "device__") -> str:
    """The path of a device's own page."""
    return reverse(row[f"{prefix}kind"], args=[row[f"{prefix}id"]])
