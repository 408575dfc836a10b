"""Terminals where members cannot be looked up, or whose answer was contradicted."""

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from fleet.cutover import states
from fleet.models import Device, DeviceRun
from fleet.services.attention.items import Found, Item, Rank, at, bounded, page_of, said
from fleet.services.devices.current import UNDER_WAY, newest_of, newest_started

CONTRADICTION = "contradiction"
_AGAIN = "Plan another cutover for the remaining terminals, or set this terminal to the server's scheme manually."


def differing() -> Q:
    """Terminals in another scheme than their server while no cutover of the site is under way. Without those where one of
    the two schemes is not known."""
    still = Device.objects.filter(kind=Device.Kind.SERVER).exclude(site__cutovers__state__in=sorted(UNDER_WAY)).order_by()
    plain, secure = (still.filter(scheme=scheme).values("site") for scheme in ("http", "https"))
    return Q(kind=Device.Kind.TERMINAL) & (Q(scheme="https", site__in=plain) | Q(scheme="http", site__in=secure))


def cut_off() -> QuerySet[DeviceRun]:
    """Runs of cutovers that have ended and left a terminal without a proven lookup."""
    at_rest = Q(cutover__in=newest_started(), cutover__state__in=sorted(states.AT_REST))
    return DeviceRun.objects.filter(at_rest, cut_off_since__isnull=False)


def sources() -> Iterator[Found]:
    """Everything that this file finds."""
    yield _in_other_scheme()
    rows, count = bounded(_runs(cut_off()))
    yield Found([_cut_off(row) for row in rows], count)
    rows, count = bounded(_runs(DeviceRun.objects.filter(cutover__in=newest_started(), finding__code=CONTRADICTION)))
    yield Found([_contradicted(row) for row in rows], count)


def _runs(found: QuerySet[DeviceRun]) -> QuerySet[Any]:
    fields = ("cutover_id", "finding", "cut_off_since", "device__kind", "device__id", "device__name", "device__site_id")
    rows: QuerySet[Any] = found.order_by("device__site__name", "device__name", "pk").values(*fields, "device__site__name")
    return rows


def _in_other_scheme() -> Found:
    site = OuterRef("site")
    newest = newest_of(site)
    run = DeviceRun.objects.filter(cutover__in=newest_started(), device=OuterRef("pk"))
    found = Device.objects.filter(differing()).annotate(
        run_state=Subquery(run.values("state")[:1]),
        cutover=Subquery(newest.values("pk")[:1]),
        excluded=Subquery(newest.values("exclude")[:1]),
    )
    fields = ("id", "kind", "name", "scheme", "site_id", "site__name", "run_state", "cutover", "excluded")
    rows, count = bounded(found.order_by("site__name", "name", "pk").values(*fields))
    return Found([_differs(row) for row in rows], count)


def _differs(row: dict[str, Any]) -> Item:
    own, servers = ("HTTPS", "HTTP") if row["scheme"] == "https" else ("HTTP", "HTTPS")
    message, remedy = f"{row['name']} speaks {own}, its server speaks {servers}: its member functions do not work", _AGAIN
    if row["run_state"] == states.Run.LATE:
        message += f". It was off during cutover {row['cutover']}"
        remedy = "Switch it on, or check its network: it switches automatically when it is back."
    elif row["run_state"] is None and row["name"] in (row["excluded"] or ()):
        message += f". It was excluded from cutover {row['cutover']}"
    return Item(
        Rank.DIFFERS, "scheme_differs", "error", row["site_id"], row["site__name"], row["name"], message, remedy,
        page_of(row, ""),
    )  # fmt: skip


def _cut_off(row: dict[str, Any]) -> Item:
    why = said(row["finding"], "message")
    name, since = row["device__name"], at(row["cut_off_since"])
    message = f"{name} has had no proven lookup since {since}" + (f": {why}" if why else "")
    return _of_run(row, Rank.CUT_OFF, "cut_off", message, "Check the terminal; Retry failed or Roll back tries it again.")


def _contradicted(row: dict[str, Any]) -> Item:
    message = f"{row['device__name']} sends reports that others contradict: {said(row['finding'], 'message', 'no details')}"
    return _of_run(row, Rank.ALARM, CONTRADICTION, message, "Check this terminal and what runs on it before you trust it.")


def _of_run(row: dict[str, Any], rank: Rank, code: str, message: str, remedy: str) -> Item:
    site, name = row["device__site_id"], row["device__site__name"]
    remedy = said(row["finding"], "remedy", remedy)
    path = reverse("cutover", args=[row["cutover_id"]])
    return Item(rank, code, "error", site, name, row["device__name"], message, remedy, path)
