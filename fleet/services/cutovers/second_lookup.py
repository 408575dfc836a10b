"""The second lookup: a terminal that says it works is asked again some seconds later. Its answer is compared with its own
inventory and with what the server saw of it. Where they contradict each other, the terminal does not count as verified."""

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
PAUSE_S = 10  # seconds before a terminal is asked once more, when its lookup failed or its answer did not fit
TRIES = 3  # of a lookup that fails
TRIES_OF_CLAIMS = 2  # of an answer that does not fit: two sides agree after a moment, or they never do
REMEDY = "Look up a member at this terminal and check Secured in its settings. Correct it, then press Retry failed."


def plan(locked: LockedCutover, run: DeviceRun) -> None:
    """A terminal was verified: note when it is to be asked again."""
    if run.kind == "terminal":
        _ask_at(locked, run, AFTER_S, confirms=0)


def again(locked: LockedCutover, run: DeviceRun, report: Finished) -> bool:
    """Whether this module has dealt with the answer to a second lookup, so that the caller must not judge it. It asks once
    more where a network may have failed for a moment, or an inventory may be on its way. After the last try the terminal
    has failed."""
    if report.by_itself or run.state != Run.VERIFIED:
        return False
    if report.outcome != "done":
        # If the terminal's own settings name the other scheme, one more try does not help.
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
    """Terminals of a cutover that was rolled back which reported that they are as before, and whose inventory has said
    otherwise since. They are told to undo once more, which does no harm where it is done already."""
    runs = cutover.runs.filter(kind="terminal", state=Run.RESTORED, confirms__lt=TRIES, by_hand=False)
    due = runs.filter(Q(confirm_at__isnull=True) | Q(confirm_at__lte=now))
    return due.filter(device__inventory_at__gt=F("changed_at"), device__scheme=cutover.to_scheme)


def undo_again(locked: LockedCutover, runs: Collection[int]) -> AfterCommit:
    """Tell these device runs to undo once more. Their state stays, and attention names the terminals that differ."""
    found = [locked.runs[pk] for pk in runs if locked.runs[pk].state == Run.RESTORED]
    if found:
        locked.ask(found, "undo")
    for run in found:
        _ask_at(locked, run, PAUSE_S, confirms=run.confirms + 1)
    return locked.after


def contradiction(locked: LockedCutover, run: DeviceRun) -> Finding | None:
    """What contradicts a terminal that has answered well: its own inventory since it was verified, or the server's. None if
    nothing does."""
    wanted = locked.cutover.to_scheme
    device = run.device
    if device.inventory_at and device.inventory_at > run.changed_at:
        told = device.common_facts.scheme
        if told is not None and told != wanted:
            return _against(run, f"its inventory shows {told.upper()} in its settings")
    server = locked.cutover.site.server
    if server and server.inventory_at and server.inventory_at > run.changed_at:
        return _not_seen(locked, run, server.seen_facts)
    return None


def cut_off_again(locked: LockedCutover, run: DeviceRun) -> None:
    """A terminal that was verified does not work. Where its proof was false, it is cut off since the outage began;
    otherwise since now."""
    begun = locked.cutover.last_answer_ms
    false = (run.finding or {}).get("code") in ("contradiction", "no_proof")
    cut_off.begin(locked, [run], begun if false and begun is not None else to_ms(locked.now))


def _not_seen(locked: LockedCutover, run: DeviceRun, seen: SeenTable | None) -> Finding | None:
    """What the server's inventory says against this terminal. It names the terminals that the server has answered, if the
    server writes such a log."""
    if seen is None:
        return None
    name = run.device.common_facts.own_name
    row = seen.of(run.device.name if name is None else name)
    begun = locked.cutover.last_answer_ms or 0
    if row and row.scheme == locked.cutover.to_scheme and row.at_ms is not None and row.at_ms >= begun:
        return None
    return _against(run, "the server has not answered any of its requests in the new scheme")


def _against(run: DeviceRun, why: str) -> Finding:
    return Finding("contradiction", f"{run.device.name} reports success, but {why}.", REMEDY)


def _ask_at(locked: LockedCutover, run: DeviceRun, seconds: float, **changes: int) -> None:
    at = locked.now + dt.timedelta(seconds=seconds)
    DeviceRun.objects.filter(pk=run.pk).update(confirm_at=at, **changes)
    run.confirm_at = at
    run.confirms = changes.get("confirms", run.confirms)
