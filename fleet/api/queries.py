"""Reading devices and sites for the answers: few queries, plain rows."""

import datetime as dt
from typing import Any

from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce

from fleet.api.requests import TerminalFilter
from fleet.cutover.states import ACTIVE
from fleet.models import Cutover, Device, Site
from fleet.services.devices import current

_SAME = ("id", "name", "port", "note", "tags")  # keys of the answer and fields of the model
_AGENT = ("agent__id", "agent__connected", "agent__last_seen", "agent__revoked_at")
_READ = ("site_id", "kind", "run_state", "scheme", "host", "by_hand", "address", *_AGENT)


def iso(at: dt.datetime | None) -> str | None:
    """A time as the API writes it: ISO 8601, in UTC, with its offset."""
    return at.astimezone(dt.UTC).isoformat() if at else None


def devices(kind: Device.Kind) -> QuerySet[Any]:
    """Devices of one kind in order of name, each with run_state: its state in the latest started cutover."""
    state = Coalesce(current.state_of(OuterRef("pk")), Value("idle"), output_field=CharField())
    return Device.objects.filter(kind=kind).annotate(run_state=state).order_by("name", "id")


def terminals(wanted: TerminalFilter) -> QuerySet[Any]:
    """All that match. The caller cuts them into pages."""
    found = devices(Device.Kind.TERMINAL)
    if wanted.site is not None:
        found = found.filter(site=wanted.site)
    if wanted.state is not None:
        found = found.filter(run_state=wanted.state)
    if wanted.q:
        found = found.annotate(tags_text=Cast("tags", TextField()))
        found = found.filter(Q(name__icontains=wanted.q) | Q(note__icontains=wanted.q) | Q(tags_text__icontains=wanted.q))
    return found


def device_rows(found: QuerySet[Any]) -> list[dict[str, Any]]:
    """These devices as the response Terminal has them."""
    return [_device(row) for row in found.values(*_SAME, *_READ)]


def _device(row: dict[str, Any]) -> dict[str, Any]:
    speaks = row["agent__id"] is not None and row["agent__revoked_at"] is None
    return {
        **{field: row[field] for field in _SAME},
        "site": row["site_id"],
        "state": row["run_state"],
        "scheme": row["scheme"] or None,
        "host": row["host"] or None,
        "address": row["address"] or None,
        "by_hand": row["by_hand"] or (row["kind"] == Device.Kind.TERMINAL and not speaks),
        "agent": {"connected": row["agent__connected"], "last_seen": iso(row["agent__last_seen"])} if speaks else None,
    }


def site_rows() -> list[dict[str, Any]]:
    """All sites with their server, terminals and active cutover, in one query however many sites there are."""
    server = Device.objects.filter(site=OuterRef("pk"), kind=Device.Kind.SERVER).values("pk")[:1]
    active = Cutover.objects.filter(site=OuterRef("pk"), state__in=sorted(ACTIVE)).values("pk")[:1]
    found = Site.objects.annotate(
        terminals=Count("devices", filter=Q(devices__kind=Device.Kind.TERMINAL)),
        server_id=Subquery(server),
        active_cutover=Subquery(active),
    )
    same = ("id", "name", "zone", "member", "server_id", "terminals", "two_persons", "active_cutover")
    rows = found.order_by("name", "id").values(*same)
    return [{"server" if key == "server_id" else key: value for key, value in row.items()} for row in rows]
