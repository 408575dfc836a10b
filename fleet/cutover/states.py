"""The three state machines: a cutover's, a device run's and a rehearsal's. Every state, every allowed move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Cutover(StrEnum):
    """The state of one cutover."""

    DRAFT = "draft"
    SUBMITTED = "submitted"  # waits for approval
    SCHEDULED = "scheduled"  # approved; waits for its window
    ARMING = "arming"  # every agent checks that it could act
    CUTTING_SERVER = "cutting_server"  # the server switches
    SWITCHING = "switching"  # the terminals switch, wave by wave
    VERIFYING = "verifying"  # the server is checked once more
    COMPLETED = "completed"
    PAUSED = "paused"  # by a person, or because something went wrong
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    NEEDS_PERSON = "needs_person"  # it ended, and not all is well
    CANCELLED = "cancelled"  # before its window opened


class Run(StrEnum):
    """The state of one device in one cutover."""

    PENDING = "pending"
    ARMED = "armed"  # ready to switch
    SWITCHING = "switching"  # told to switch
    VERIFIED = "verified"  # proven to work in the new scheme
    FAILED = "failed"
    UNREACHABLE = "unreachable"  # no report in time
    LATE = "late"  # off when the cutover began; it switches when it comes back
    UNDOING = "undoing"  # told to undo
    RESTORED = "restored"  # as before
    UNDO_FAILED = "undo_failed"


class Rehearsal(StrEnum):
    """The state of one rehearsal of one site: the server opens its shadow listener, then the terminals are asked."""

    OPENING = "opening"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"


C, R = Cutover, Run

CUTOVER_MOVES: dict[Cutover, frozenset[Cutover]] = {
    C.DRAFT: frozenset({C.SUBMITTED, C.SCHEDULED, C.CANCELLED}),
    C.SUBMITTED: frozenset({C.SCHEDULED, C.CANCELLED}),
    C.SCHEDULED: frozenset({C.ARMING, C.CANCELLED}),
    C.ARMING: frozenset({C.CUTTING_SERVER, C.PAUSED, C.ROLLING_BACK}),
    C.CUTTING_SERVER: frozenset({C.SWITCHING, C.PAUSED, C.ROLLING_BACK}),
    C.SWITCHING: frozenset({C.VERIFYING, C.PAUSED, C.ROLLING_BACK}),
    C.VERIFYING: frozenset({C.COMPLETED, C.NEEDS_PERSON, C.SWITCHING, C.PAUSED, C.ROLLING_BACK}),
    C.PAUSED: frozenset({C.ARMING, C.CUTTING_SERVER, C.SWITCHING, C.VERIFYING, C.ROLLING_BACK}),
    C.COMPLETED: frozenset({C.ROLLING_BACK, C.NEEDS_PERSON, C.SWITCHING}),
    C.NEEDS_PERSON: frozenset({C.SWITCHING, C.COMPLETED, C.ROLLING_BACK, C.ROLLED_BACK}),
    C.ROLLING_BACK: frozenset({C.ROLLED_BACK, C.NEEDS_PERSON, C.ROLLING_BACK}),
    C.ROLLED_BACK: frozenset(),
    C.CANCELLED: frozenset(),
}

RUN_MOVES: dict[Run, frozenset[Run]] = {
    R.PENDING: frozenset({R.ARMED, R.SWITCHING, R.FAILED, R.UNREACHABLE, R.LATE, R.UNDOING}),
    R.ARMED: frozenset({R.SWITCHING, R.FAILED, R.LATE, R.UNDOING}),
    R.SWITCHING: frozenset({R.VERIFIED, R.FAILED, R.UNREACHABLE, R.UNDOING, R.RESTORED}),
    R.VERIFIED: frozenset({R.FAILED, R.UNDOING, R.RESTORED}),
    R.FAILED: frozenset({R.PENDING, R.ARMED, R.VERIFIED, R.UNDOING, R.RESTORED}),
    R.UNREACHABLE: frozenset({R.PENDING, R.ARMED, R.VERIFIED, R.FAILED, R.UNDOING, R.RESTORED}),
    R.LATE: frozenset({R.PENDING, R.ARMED, R.SWITCHING, R.VERIFIED, R.FAILED, R.RESTORED}),
    R.UNDOING: frozenset({R.RESTORED, R.UNDO_FAILED}),
    R.UNDO_FAILED: frozenset({R.UNDOING, R.RESTORED}),
    R.RESTORED: frozenset(),
}

REHEARSAL_MOVES: dict[Rehearsal, frozenset[Rehearsal]] = {
    Rehearsal.OPENING: frozenset({Rehearsal.ASKING, Rehearsal.FAILED}),
    Rehearsal.ASKING: frozenset({Rehearsal.DONE}),
    Rehearsal.DONE: frozenset(),
    Rehearsal.FAILED: frozenset(),
}

BEFORE_WINDOW = frozenset({C.DRAFT, C.SUBMITTED, C.SCHEDULED})
RUNNING = frozenset({C.ARMING, C.CUTTING_SERVER, C.SWITCHING, C.VERIFYING})
AT_REST = frozenset({C.COMPLETED, C.ROLLED_BACK, C.NEEDS_PERSON, C.CANCELLED})
# One of these per site at a time; a database constraint keeps it so.
ACTIVE = RUNNING | {C.SCHEDULED, C.PAUSED, C.ROLLING_BACK}
CAN_ROLL_BACK = RUNNING | {C.PAUSED, C.NEEDS_PERSON, C.COMPLETED, C.ROLLING_BACK}

# One of these per site at a time; a database constraint keeps it so.
REHEARSING = frozenset({Rehearsal.OPENING, Rehearsal.ASKING})

COUNTS_AS_FAILED = frozenset({R.FAILED, R.UNREACHABLE})
WITH_FINDING = frozenset({R.FAILED, R.UNREACHABLE, R.UNDO_FAILED, R.LATE})


class IllegalMove(Exception):
    """A move that the tables do not allow."""


_MOVES: dict[type[StrEnum], Mapping[Any, frozenset[Any]]] = {
    Cutover: CUTOVER_MOVES,
    Run: RUN_MOVES,
    Rehearsal: REHEARSAL_MOVES,
}


def advance(kind: type[Cutover] | type[Run] | type[Rehearsal], old: str, new: str) -> None:
    """Check one move of this kind of state machine. Raises IllegalMove with what would have been allowed, ValueError for a
    state that does not exist."""
    allowed = _MOVES[kind][kind(old)]
    if kind(new) not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing, it is final"
        raise IllegalMove(f"{kind.__name__.lower()} {old} cannot become {new}; allowed: {names}")
