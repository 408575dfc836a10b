"""Cutovers that wait for a person: for help, or for an approval."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from fleet.cutover import states
from fleet.models import Cutover, DeviceRun, Role, role_of
from fleet.services.attention.items import LIMIT, Found, Item, Rank, bounded, code_of, said
from fleet.services.attention.terminals import CONTRADICTION
from fleet.services.devices.current import newest_started

DEVICES = 50  # of one cutover that are named one by one
_STUCK = states.COUNTS_AS_FAILED | {states.Run.UNDO_FAILED}
_LOOK = "Check the named devices; then press Retry failed, Resume or Roll back."
_FIELDS = ("id", "state", "to_scheme", "reason", "finding", "cause", "site_id", "site__name", "requested_by__username")


def sources(user: Any) -> Iterator[Found]:
    """Everything that this file finds for this person."""
    yield _waiting_for_a_person()
    yield _by_hand()
    if role_of(user) in (Role.ADMIN, Role.APPROVER):
        yield _waiting_for_approval(user)


def _waiting_for_a_person() -> Found:
    """Each cutover, followed by its devices. All that are shown count, and the devices that are not named count as one."""
    by_itself = Q(state=states.Cutover.PAUSED, finding__isnull=False)
    found = Cutover.objects.filter(Q(state=states.Cutover.NEEDS_PERSON) | by_itself, pk__in=newest_started())
    cutovers, count = bounded(_in_order(found))
    devices: dict[int, list[Item]] = {}
    of_cutover = {row["id"]: row for row in cutovers}
    for run in _stuck([*of_cutover]):
        number, named = run["cutover_id"], devices.setdefault(run["cutover_id"], [])
        named.append(_device(of_cutover[number], run) if run["place"] <= DEVICES else _more(of_cutover[number], run))
    items = [item for row in cutovers for item in (_cutover(row), *devices.get(row["id"], ()))]
    return Found(items[:LIMIT], count + len(items) - len(cutovers))


def _stuck(cutovers: list[int]) -> list[dict[str, Any]]:
    """Device runs that need a person: of each cutover those that are named, and one more if there are more."""
    found = DeviceRun.objects.filter(cutover__in=cutovers, state__in=sorted(_STUCK), finding__isnull=False)
    found = found.exclude(finding__code=CONTRADICTION)  # terminals.py has an item for these
    each = F("cutover")
    placed = found.annotate(
        place=Window(RowNumber(), partition_by=each, order_by=("kind", "device__name", "pk")),
        among=Window(Count("pk"), partition_by=each),
    ).filter(place__lte=DEVICES + 1)
    fields = ("cutover_id", "device__name", "state", "finding", "place", "among")
    return list(placed.order_by("cutover", "place").values(*fields))


def _by_hand() -> Found:
    """Terminals by hand that wait for a person in time. Those whose time is over are among the devices of their cutover."""
    waiting = DeviceRun.objects.filter(by_hand=True, state__in=[states.Run.SWITCHING, states.Run.UNDOING])
    fields = ("cutover_id", "cutover__to_scheme", "cutover__from_scheme", "state", "device_id", "device__name")
    found: QuerySet[Any] = waiting.order_by("device__site__name", "device__name", "pk").values(
        *fields, "device__site_id", "device__site__name"
    )
    rows, count = bounded(found)
    return Found([_waiting(row) for row in rows], count)


def _waiting(row: dict[str, Any]) -> Item:
    back = row["state"] == states.Run.UNDOING
    scheme = row["cutover__from_scheme" if back else "cutover__to_scheme"].upper()
    name, site = row["device__name"], row["device__site__name"]
    message = f"{name} waits for a person: it is to be set {'back ' if back else ''}to {scheme} by hand"
    remedy = "Open its page, set it as the page says, then press Done or Does not work."
    path = reverse("by_hand", args=[row["cutover_id"], row["device_id"]])
    return Item(Rank.BY_HAND, "by_hand_waiting", "warning", row["device__site_id"], site, name, message, remedy, path)


def _waiting_for_approval(user: Any) -> Found:
    found = Cutover.objects.filter(state=states.Cutover.SUBMITTED)
    found = found.exclude(site__two_persons=True, requested_by=user.pk)
    rows, count = bounded(_in_order(found))
    return Found([_approval(row) for row in rows], count)


def _in_order(found: QuerySet[Cutover]) -> QuerySet[Any]:
    rows: QuerySet[Any] = found.order_by("site__name", "pk").values(*_FIELDS)
    return rows


def _cutover(row: dict[str, Any]) -> Item:
    finding = row["cause"] or row["finding"]
    words = "needs attention" if row["state"] == states.Cutover.NEEDS_PERSON else "paused automatically"
    why = said(finding, "message") or row["reason"]
    message = f"The cutover to {row['to_scheme'].upper()} {words}" + (f": {why}" if why else "")
    return _item(row, row["state"], None, message, said(finding, "remedy", _LOOK))


def _device(cutover: dict[str, Any], run: dict[str, Any]) -> Item:
    name, finding = run["device__name"], run["finding"]
    message = said(finding, "message", f"{name}: {run['state'].replace('_', ' ')}")
    return _item(cutover, code_of(finding, run["state"]), name, message, said(finding, "remedy", _LOOK))


def _more(cutover: dict[str, Any], run: dict[str, Any]) -> Item:
    message = f"and {run['among'] - DEVICES:,} more devices of this cutover"
    return _item(cutover, cutover["state"], None, message, "See all of them on the cutover's page.")


def _item(row: dict[str, Any], code: str, device: str | None, message: str, remedy: str) -> Item:
    path = reverse("cutover", args=[row["id"]])
    return Item(Rank.CUTOVER, code, "error", row["site_id"], row["site__name"], device, message, remedy, path)


def _approval(row: dict[str, Any]) -> Item:
    who = row["requested_by__username"] or "somebody"
    message = f"The cutover to {row['to_scheme'].upper()} that {who} planned is awaiting approval"
    path = reverse("cutover", args=[row["id"]])
    return Item(
        Rank.APPROVAL, "approval_waiting", "warning", row["site_id"], row["site__name"], None, message,
        "Check its plan; then approve or cancel it.", path,
    )  # fmt: skip
