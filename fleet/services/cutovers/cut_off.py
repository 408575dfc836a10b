"""Measures how long a terminal had no proven lookup: from the server's last answer to the terminal's first proof after it,
in either scheme. If the terminal fails, the time goes on, also during a rollback."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from fleet.models import Cutover, DeviceRun
from fleet.services.clock import from_ms, to_ms
from fleet.services.sanitize import LARGEST


class Locked(Protocol):
    """What this module needs of a LockedCutover, which uses it, too."""

    cutover: Cutover

    def touch(self) -> int:
        """The version of this transaction's changes."""


def begin(locked: Locked, runs: Iterable[DeviceRun], at_ms: int) -> None:
    """From this moment (ms since 1970) on, no server answers these terminals. An earlier beginning stays."""
    fresh = [run for run in runs if run.kind == "terminal" and run.cut_off_since is None]
    if not fresh:
        return
    changes = {"cut_off_since": from_ms(at_ms), "cut_off_ms": None, "version": locked.touch()}
    DeviceRun.objects.filter(pk__in=[run.pk for run in fresh]).update(**changes)
    _set(fresh, changes)


def end(locked: Locked, run: DeviceRun, at_ms: int) -> None:
    """At this moment (ms since 1970) this terminal has proven that a server answers it. If it was cut off twice, both times
    are added."""
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
