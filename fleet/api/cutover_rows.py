"""Reading cutovers for the answers. The live view of one is polled many times a second: two queries, however many terminals
take part."""

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet

from fleet.api.queries import iso
from fleet.models import Cutover, Device, DeviceRun, Transition
from fleet.services.errors import NotFound

_POLICY = ("on_window_close", "on_threshold", "by_hand_minutes")
_PLAN = ("from_scheme", "to_scheme", "duration_minutes", *_POLICY, "waves", "exclude", "note")
_SAME = ("id", "state", "direction", "reason", *_PLAN)
_TIMES = {"created_at": "created_at", "started_at": "started_at", "rested_at": "ended_at"}  # key of the answer -> field
_WINDOW = ("site__zone", "starts_at", "ends_at", "no_return_at")
_READ = ("version", "site_id", "finding", "cause", "certificate_thumbprint")
_FIELDS = (*_SAME, *_TIMES.values(), *_WINDOW, *_READ, "requested_by__username", "approved_by__username")
_SPANS = ("outage_ms", "cut_off_ms", "cut_off_since")
_BY_HAND = ("by_hand", "proof", "answered_by__username", "answered_at")
_RUN_FIELDS = ("device__name", "kind", "state", "wave", "step", *_SPANS, "attempts", *_BY_HAND, "finding", "version")
_CAUSE = ("code", "message", "remedy")
_ATTEMPTS = 3


def cutover_row(cutover_id: int) -> dict[str, Any]:
    """One cutover with its device runs. Raises NotFound.

    Both queries must see the same moment. A run that is newer than the cutover shows that something was committed in
    between; then both are read again. (A transaction would take SQLite's write lock.)"""
    for _ in range(_ATTEMPTS):
        cutover, runs = _read(cutover_id)
        if all(run["version"] <= cutover["version"] for run in runs):
            break
    counts = Counter(run["state"] for run in runs if run["kind"] == Device.Kind.TERMINAL)
    return {**_summary(cutover, counts), "device_runs": [_run(run) for run in runs]}


def summary_rows(found: QuerySet[Cutover]) -> list[dict[str, Any]]:
    """These cutovers without their device runs, in two queries."""
    cutovers = list(found.order_by("id").values(*_FIELDS))
    counted = DeviceRun.objects.filter(cutover__in=found.order_by(), kind=Device.Kind.TERMINAL)
    counts: dict[int, dict[str, int]] = {}
    for row in counted.order_by().values("cutover_id", "state").annotate(n=Count("id")):
        counts.setdefault(row["cutover_id"], {})[row["state"]] = row["n"]
    return [_summary(cutover, counts.get(cutover["id"], {})) for cutover in cutovers]


def transition_rows(cutover_id: int) -> list[dict[str, Any]]:
    """Every change of state, oldest first. Raises NotFound."""
    if not Cutover.objects.filter(pk=cutover_id).exists():
        raise NotFound("there is no such cutover")
    rows = Transition.objects.filter(cutover=cutover_id).order_by("id")
    return [_transition(row) for row in rows.values_list("at", "device_name", "old", "new", "actor", "reason")]


def _read(cutover_id: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    cutover = Cutover.objects.filter(pk=cutover_id).values(*_FIELDS).first()
    if cutover is None:
        raise NotFound("there is no such cutover")
    runs = DeviceRun.objects.filter(cutover=cutover_id).order_by("kind", "device__name", "id").values(*_RUN_FIELDS)
    return cutover, list(runs)


def _summary(row: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    return {
        **{field: row[field] for field in _SAME},
        **{key: iso(row[field]) for key, field in _TIMES.items()},
        "site": row["site_id"],
        "finding": row["finding"] or None,
        "cause": _cause(row["cause"]),
        "window": {"starts_at": iso(row["starts_at"]), "ends_at": iso(row["ends_at"]), "zone": row["site__zone"]},
        "point_of_no_return": iso(row["no_return_at"]),
        "certificate_thumbprint": row["certificate_thumbprint"] or None,
        "requested_by": row["requested_by__username"],
        "approved_by": row["approved_by__username"],
        "counts": dict(counts),
    }


def _cause(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    if not kept:
        return None
    return {**{field: kept.get(field) or "" for field in _CAUSE}, "devices": list(kept.get("devices") or ())}


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "device": run["device__name"],
        "kind": run["kind"],
        "state": run["state"],
        "wave": run["wave"],
        "step": run["step"] or None,
        "outage_ms": run["outage_ms"],
        "cut_off_ms": run["cut_off_ms"],
        "cut_off_since": iso(run["cut_off_since"]),
        "attempts": run["attempts"],
        "by_hand": run["by_hand"],
        "proof": run["proof"] or None,
        "answered_by": run["answered_by__username"],
        "answered_at": iso(run["answered_at"]),
        "finding": run["finding"] or None,
    }


def _transition(row: tuple[Any, ...]) -> dict[str, Any]:
    at, device, old, new, actor, reason = row
    return {"at": iso(at), "device": device or None, "from": old or None, "to": new, "actor": actor, "reason": reason}
