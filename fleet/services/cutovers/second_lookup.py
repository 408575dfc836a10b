"""A terminal that says it works is asked again some seconds later, and what it says then is compared with its own
inventory and with what the server saw of it. A contradiction is no proof, and such a terminal does not count as verified."""

import datetime as dt
from collections.abc import Collection

from django.db.models import F, Q, QuerySet

from agents.protocol import Finding, Finished
from fleet.cutover.states import Run
from fleet.device_facts.facts import SeenTable
from fleet.models import Cutover, DeviceRun
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms
from fleet.services.cutovers import cut_off
from fleet.services.cutovers.engine import LockedCutover

AFTER_S = 3  # seconds between a terminal's proof and its second lookup
PAUSE_S = 10  # before one that failed, or did not fit, is asked once more
TRIES = 3
TRIES_OF_CLAIMS = 2  # what two sides say of one thing fits after a moment, or it does not
REMEDY = "Look a member up at this till by hand and read Secured in its settings. Set it right, then Retry failed."


def plan(locked: LockedCutover, run: DeviceRun) -> None:
    """A terminal was verified: when it is to be asked again."""
    if run.kind == "terminal":
        _ask_at(locked, run, AFTER_S, confirms=0)


def again(locked: LockedCutover, run: DeviceRun, report: Finished) -> bool:
    """Whether this answer to a second lookup is to be asked for once more instead of being judged: a network may fail
    for a moment, and an inventory may be on its way. What is wrong after the last try stands."""
    if report.by_itself or run.state != Run.VERIFIED:
        return False
    if report.outcome != "done":
        # Its own settings say otherwise: that passes with no try.
        passes = report.scheme in (None, locked.cutover.to_scheme) and run.confirms < TRIES
        if passes:
            _ask_at(locked, run, PAUSE_S)
        return passes
    against = contradiction(locked, run)
    if against is None:
        return False
    if run.confirms < TRIES_OF_CLAIMS:
        _ask_at(locked, run, PAUSE_S)
    else:
        locked.move_run(run, Run.FAILED, against.message, actor="plan", finding=against)
        cut_off_again(locked, run)
    return True


def not_undone(cutover: Cutover, now: dt.datetime) -> QuerySet[DeviceRun]:
    """Terminals of a cutover that was rolled back which have said that they are as before, and whose own inventory has
    said otherwise since: they are told to undo once more, which does no harm to one that has."""
    runs = cutover.runs.filter(kind="terminal", state=Run.RESTORED, confirms__lt=TRIES)
    due = runs.filter(Q(confirm_at__isnull=True) | Q(confirm_at__lte=now))
    return due.filter(device__inventory_at__gt=F("changed_at"), device__scheme=cutover.to_scheme)


def undo_again(locked: LockedCutover, runs: Collection[int]) -> AfterCommit:
    """Tell these to undo once more. Their state stays: it is their word, and attention names whoever differs."""
    found = [locked.runs[pk] for pk in runs if locked.runs[pk].state == Run.RESTORED]
    if found:
        locked.ask(found, "undo")
    for run in found:
        _ask_at(locked, run, PAUSE_S, confirms=run.confirms + 1)
    return locked.after


def contradiction(locked: LockedCutover, run: DeviceRun) -> Finding | None:
    """What speaks against a terminal that has answered well: its own inventory since it was verified, or the server's."""
    wanted = locked.cutover.to_scheme
    device = run.device
    if device.inventory_at and device.inventory_at > run.changed_at:
        told = device.common_facts.scheme
        if told is not None and told != wanted:
            return _against(run, f"its own inventory reads {told.upper()} in its settings")
    server = locked.cutover.site.server
    if server and server.inventory_at and server.inventory_at > run.changed_at:
        return _not_seen(locked, run, server.seen_facts)
    return None


def cut_off_again(locked: LockedCutover, run: DeviceRun) -> None:
    """A terminal that was verified is not. Where its proof was false it never had a lookup; else it lost it now."""
    begun = locked.cutover.last_answer_ms
    false = (run.finding or {}).get("code") in ("contradiction", "no_proof")
    cut_off.begin(locked, [run], begun if false and begun is not None else to_ms(locked.now))


def _not_seen(locked: LockedCutover, run: DeviceRun, seen: SeenTable | None) -> Finding | None:
    """The server's agent tells whom the server has answered, where there is a log to be read."""
    if seen is None:
        return None
    name = run.device.common_facts.own_name
    row = seen.of(run.device.name if name is None else name)
    begun = locked.cutover.last_answer_ms or 0
    if row and row.scheme == locked.cutover.to_scheme and row.at_ms is not None and row.at_ms >= begun:
        return None
    return _against(run, "the server has not answered any request of it in the new scheme")


def _against(run: DeviceRun, why: str) -> Finding:
    return Finding("contradiction", f"{run.device.name} says that it works, but {why}.", REMEDY)


def _ask_at(locked: LockedCutover, run: DeviceRun, seconds: float, **changes: int) -> None:
    at = locked.now + dt.timedelta(seconds=seconds)
    DeviceRun.objects.filter(pk=run.pk).update(confirm_at=at, **changes)
    run.confirm_at = at
    run.confirms = changes.get("confirms", run.confirms)
