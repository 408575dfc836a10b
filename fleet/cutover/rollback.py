"""The order in which a site is rolled back: first the server, then the terminals, so that each terminal can verify as
soon as it is undone. tests/cutover/ walks through all states and proves that this order is always kept."""

import datetime as dt

from agents.protocol import Finding, Scheme
from fleet.cutover import by_hand, causes
from fleet.cutover.snapshot import Ask, Move, MoveRun, RunView, Snapshot, Step
from fleet.cutover.states import Cutover, Run

# The states that a terminal may have at the end of a rollback: undone, or never touched. A late one is still off.
CLEAN = frozenset({Run.RESTORED, Run.PENDING, Run.ARMED, Run.LATE})
TO_UNDO = frozenset({Run.SWITCHING, Run.VERIFIED, Run.FAILED, Run.UNREACHABLE, Run.UNDOING, Run.UNDO_FAILED})


def next_steps(s: Snapshot, now: dt.datetime) -> list[Step]:
    """What a rollback does next, in a cutover that is rolling_back, or needs_person on its way back."""
    if steps := _silent(s, now):
        return steps
    if steps := _undo((s.server,)):
        return steps
    # Once the server answers as before, its terminals follow, also while its Services Monitor still needs a person.
    answers = s.server_back and s.server.state is Run.UNDO_FAILED
    if s.server.state not in (Run.RESTORED, Run.PENDING, Run.ARMED) and not answers:
        return _stuck(s) if s.server.state is Run.UNDO_FAILED else []
    if steps := _undo(s.terminals) + _undo_in_passing(s):
        if s.state is Cutover.NEEDS_PERSON:
            return [Move(Cutover.ROLLING_BACK, "the server is back; its terminals follow")]
        return steps
    if any(r.state is Run.UNDOING for r in s.terminals):
        return []
    if all(r.state in CLEAN for r in s.terminals) and not answers:
        return [Move(Cutover.ROLLED_BACK, "the server and every changed terminal are restored")]
    return _stuck(s)


def _undo(runs: tuple[RunView, ...]) -> list[Step]:
    """Ask each of these devices that may have changed anything to undo it, once per epoch."""
    todo = [r for r in runs if r.asked != "undo" and _to_undo(r)]
    moves: list[Step] = [MoveRun(r.id, Run.UNDOING, _told(r)) for r in todo if r.state is not Run.UNDOING]
    return [Ask(tuple(r.id for r in todo), "undo"), *moves] if todo else []


def _to_undo(run: RunView) -> bool:
    """Whether there may be something to undo. After a retry also a pending or armed device may have switched, if its
    report was lost."""
    return run.state in TO_UNDO or (run.touched and run.state in (Run.PENDING, Run.ARMED))


def _undo_in_passing(s: Snapshot) -> list[Step]:
    """Ask also those to undo that have probably nothing to undo. A late terminal may have taken its instruction while its
    report was lost, and one that was never told to switch may have followed its server by itself. The undo waits until
    they come back, and the rollback does not wait for it. Nobody has to look at a terminal by hand that was never told to
    switch."""
    states = (Run.LATE, Run.PENDING, Run.ARMED)
    ids = [r.id for r in s.terminals if r.state in states and r.asked != "undo" and not _to_undo(r) and not r.by_hand]
    return [Ask(tuple(ids), "undo")] if ids and s.server.touched else []


def _silent(s: Snapshot, now: dt.datetime) -> list[Step]:
    silent = [r for r in s.runs if r.state is Run.UNDOING and r.deadline is not None and now >= r.deadline]
    before: Scheme = "http" if s.to_scheme == "https" else "https"
    return [MoveRun(r.id, Run.UNDO_FAILED, *by_hand.silence(r, before, _lost(r))) for r in silent]


def _told(run: RunView) -> str:
    return "waits for a person to set it back" if run.by_hand else "told to undo"


def _lost(run: RunView) -> Finding:
    return Finding(
        "lost_contact",
        f"{run.name} did not report in time after it was told to undo.",
        "Check its power and network: it undoes automatically when it is back. Or follow the manual steps on its page.",
    )


def _stuck(s: Snapshot) -> list[Step]:
    if s.state is Cutover.NEEDS_PERSON:
        return []
    bad = [r for r in s.runs if r.state is Run.UNDO_FAILED]
    why = f"the rollback failed on {len(bad)} device{'' if len(bad) == 1 else 's'} ({causes.said(bad)})"
    return [Move(Cutover.NEEDS_PERSON, why, cause=causes.of_runs(bad, why))]
