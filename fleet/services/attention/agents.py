"""Agents that have an alarm, are revoked, or are not in contact."""

import datetime as dt
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse

from fleet.models import Agent, Device
from fleet.services.attention.items import LIMIT, Found, Item, Rank, at, bounded, code_of, page_of, said
from fleet.services.text import NAMED

# How long an agent may be out of contact before it needs attention.
AWAY = dt.timedelta(minutes=10)
SERVER_AWAY = dt.timedelta(minutes=1)  # agents need about that long to come back after a restart of the dashboard
_FIELDS = ("alarm", "last_seen", "device__id", "device__kind", "device__name", "device__site_id", "device__site__name")


def sources(now: dt.datetime) -> Iterator[Found]:
    """Everything that this file finds."""
    known = Agent.objects.annotate(seen=Coalesce("last_seen", "enrolled_at"))
    away = Q(connected=False, revoked_at__isnull=True)
    server, by_agent = Q(device__kind=Device.Kind.SERVER), Q(device__by_hand=False)
    yield _each(known.filter(alarm__isnull=False), _alarm)
    yield _each(known.filter(by_agent, revoked_at__isnull=False, alarm__isnull=True), _revoked)
    yield _each(known.filter(away & server & by_agent, seen__lte=now - SERVER_AWAY), _server_away)
    yield _terminals_away(known.filter(away & ~server, seen__lt=now - AWAY))


def _each(found: QuerySet[Agent], item: Any) -> Found:
    rows, count = bounded(found.order_by("device__site__name", "device__name", "pk").values(*_FIELDS))
    return Found([item(row) for row in rows], count)


def _alarm(row: dict[str, Any]) -> Item:
    message = said(row["alarm"], "message", f"the agent of {row['device__name']} cannot be trusted")
    remedy = said(row["alarm"], "remedy", "Revoke it, check the device, then enrol it again.")
    return _item(row, Rank.ALARM, code_of(row["alarm"], "alarm"), message, remedy, _agents(row["device__name"]))


def _revoked(row: dict[str, Any]) -> Item:
    message = f"The agent of {row['device__name']} was revoked: it cannot take part in a cutover"
    path = _agents(row["device__name"])
    return _item(row, Rank.AWAY, "agent_revoked", message, "Enrol the device again with a new token.", path, "warning")


def _server_away(row: dict[str, Any]) -> Item:
    since = f" since {at(row['last_seen'])}" if row["last_seen"] else ""
    message = f"The agent of the server {row['device__name']} is not in contact{since}: no cutover and no rollback is possible"
    remedy = "Start the agent's service on the server; check its connection to this dashboard."
    return _item(row, Rank.SERVER_AWAY, "server_no_contact", message, remedy, page_of(row))


def _terminals_away(found: QuerySet[Agent]) -> Found:
    """One item each, or one item for a site where there are more than NAMED. Sites whose server is away, too, are left out:
    the server's own item says enough. A server by hand has none."""
    answers = Q(agent__connected=True, agent__revoked_at__isnull=True)
    there = Device.objects.filter(answers | Q(by_hand=True), kind=Device.Kind.SERVER).order_by()
    each = F("device__site")
    placed = found.filter(device__site__in=there.values("site")).annotate(
        place=Window(RowNumber(), partition_by=each, order_by=("device__name", "pk")),
        among=Window(Count("pk"), partition_by=each),
    )
    rows = placed.filter(place__lte=NAMED).order_by("device__site__name", "device__site_id", "place")
    items: list[Item] = []
    for _, of_site in groupby(rows.values(*_FIELDS, "among"), key=lambda row: row["device__site_id"]):
        first, *rest = of_site
        items += [_many(first, rest)] if first["among"] > NAMED else [_away(row) for row in (first, *rest)]
    return Found(items[:LIMIT], len(items))


def _away(row: dict[str, Any]) -> Item:
    since = f" since {at(row['last_seen'])}" if row["last_seen"] else ""
    message = f"{row['device__name']}'s agent is not in contact{since}"
    return _item(row, Rank.AWAY, "no_contact", message, "Switch it on, or check its network.", page_of(row), "warning")


def _many(first: dict[str, Any], rest: list[dict[str, Any]]) -> Item:
    names = ", ".join(row["device__name"] for row in (first, *rest))
    message = f"{first['among']:,} terminals are not in contact: {names} and {first['among'] - NAMED:,} more"
    path = f"{reverse('fleet')}?{urlencode({'site': first['device__site_id'], 'contact': 'no'})}"
    remedy = "Switch them on, or check what they share: a network switch, a power strip, a network."
    return _item(first | {"device__name": None}, Rank.AWAY, "no_contact", message, remedy, path, "warning")


def _agents(name: str) -> str:
    return f"{reverse('agents')}?{urlencode({'q': name})}"


def _item(row: dict[str, Any], rank: Rank, code: str, message: str, remedy: str, path: str, severity: Any = "error") -> Item:
    site, site_name = row["device__site_id"], row["device__site__name"]
    return Item(rank, code, severity, site, site_name, row["device__name"], message, remedy, path)
