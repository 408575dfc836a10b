"""Since when, and for how long, a terminal has had no proven lookup: from the server's last answer to the terminal's first
proof, in whichever scheme it ended. The clock of a terminal that fails runs on, also through a rollback."""

from collections.abc import Iterable, Mapping

from fleet.models import DeviceRun
from fleet.services.clock import from_ms, to_ms
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.sanitize import LARGEST


def begin(locked: LockedCutover, runs: Iterable[DeviceRun], at_ms: int) -> None:
    """Nobody answers these terminals from now on. A clock that runs already is left alone."""
    fresh = [run for run in runs if run.kind == "terminal" and run.cut_off_since is None]
    if not fresh:
        return
    changes = {"cut_off_since": from_ms(at_ms), "cut_off_ms": None, "version": locked.touch()}
    DeviceRun.objects.filter(pk__in=[run.pk for run in fresh]).update(**changes)
    _set(fresh, changes)


def end(locked: LockedCutover, run: DeviceRun, at_ms: int) -> None:
    """This terminal has proven that it is served again. One that was cut off twice adds both up."""
    if run.cut_off_since is None:
        return
    since_ms = to_ms(run.cut_off_since)
    begun = locked.cutover.last_answer_ms
    before = run.outage_ms if run.outage_ms is not None and begun is not None and since_ms > begun else 0
    total = min((before or 0) + max(0, at_ms - since_ms), LARGEST)
    changes = {"cut_off_since": None, "cut_off_ms": total, "version": locked.touch()}
    DeviceRun.objects.filter(pk=run.pk).update(**changes)
    _set([run], changes)


def _set(runs: Iterable[DeviceRun], changes: Mapping[str, object]) -> None:
    for run in runs:
        for name, value in changes.items():
            setattr(run, name, value)
