"""Reading cutovers for the answers. The live view of one is polled many times a second: two queries,
however many terminals take part."""

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet

from fleet.api.queries import iso
from fleet.models import Cutover, Device, DeviceRun, Transition
from fleet.services.errors import NotFound

_RUN_FIELDS = ("device__name", "kind", "state", "wave", "step", "outage_ms", "attempts", "finding", "version")
_ATTEMPTS = 3


def cutover_row(cutover_id: int) -> dict[str, Any]:
    """One cutover with its device runs. Raises NotFound.

    The two reads are of one moment: a run that is newer than the cutover tells that something was
    committed in between, and then both are read again. (A transaction would take SQLite's write lock.)
    """
    for _ in range(_ATTEMPTS):
        cutover, runs = _read(cutover_id)
        if all(run["version"] <= cutover.version for run in runs):
            break
    counts = Counter(run["state"] for run in runs if run["kind"] == Device.Kind.TERMINAL)
    return {**_summary(cutover, counts), "device_runs": [_run(run) for run in runs]}


def summary_rows(found: QuerySet[Cutover]) -> list[dict[str, Any]]:
    """These cutovers without their device runs, in two queries."""
    cutovers = list(_with_names(found))
    counted = DeviceRun.objects.filter(cutover__in=found.order_by(), kind=Device.Kind.TERMINAL)
    counts: dict[int, dict[str, int]] = {}
    for row in counted.order_by().values("cutover_id", "state").annotate(n=Count("id")):
        counts.setdefault(row["cutover_id"], {})[row["state"]] = row["n"]
    return [_summary(cutover, counts.get(cutover.pk, {})) for cutover in cutovers]


def transition_rows(cutover_id: int) -> list[dict[str, Any]]:
    """Every change of state, oldest first. Raises NotFound."""
    if not Cutover.objects.filter(pk=cutover_id).exists():
        raise NotFound("there is no such cutover")
    rows = Transition.objects.filter(cutover=cutover_id).order_by("id")
    return [_transition(row) for row in rows.values_list("at", "device_name", "old", "new", "actor", "reason")]


def _read(cutover_id: int) -> tuple[Cutover, list[dict[str, Any]]]:
    cutover = _with_names(Cutover.objects.filter(pk=cutover_id)).first()
    if cutover is None:
        raise NotFound("there is no such cutover")
    runs = DeviceRun.objects.filter(cutover=cutover_id).order_by("kind", "device__name", "id").values(*_RUN_FIELDS)
    return cutover, list(runs)


def _with_names(found: QuerySet[Cutover]) -> QuerySet[Cutover]:
    return found.select_related("site", "requested_by", "approved_by").order_by("id")


def _summary(cutover: Cutover, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "id": cutover.pk,
        "state": cutover.state,
        "site": cutover.site_id,
        "from_scheme": cutover.from_scheme,
        "to_scheme": cutover.to_scheme,
        "direction": cutover.direction,
        "reason": cutover.reason,
        "finding": cutover.finding or None,
        "window": {"starts_at": iso(cutover.starts_at), "ends_at": iso(cutover.ends_at), "zone": cutover.site.zone},
        "point_of_no_return": iso(cutover.no_return_at),
        **{field: getattr(cutover, field) for field in ("duration_minutes", "on_window_close", "on_threshold", "note")},
        "waves": cutover.waves,
        "exclude": cutover.exclude,
        "certificate_thumbprint": cutover.certificate_thumbprint or None,
        "requested_by": _name(cutover.requested_by),
        "approved_by": _name(cutover.approved_by),
        "created_at": iso(cutover.created_at),
        "started_at": iso(cutover.started_at),
        "rested_at": iso(cutover.rested_at),
        "counts": dict(counts),
    }


def _name(user: Any) -> str | None:
    return user.get_username() if user else None


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "device": run["device__name"],
        "kind": run["kind"],
        "state": run["state"],
        "wave": run["wave"],
        "step": run["step"] or None,
        "outage_ms": run["outage_ms"],
        "attempts": run["attempts"],
        "finding": run["finding"] or None,
    }


def _transition(row: tuple[Any, ...]) -> dict[str, Any]:
    at, device, old, new, actor, reason = row
    return {"at": iso(at), "device": device or None, "from": old or None, "to": new, "actor": actor, "reason": reason}
