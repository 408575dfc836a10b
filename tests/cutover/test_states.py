"""The three state machines are complete and say what they allow."""

import pytest

from fleet.cutover import states
from fleet.cutover.rollback import CLEAN, TO_UNDO
from fleet.cutover.states import CUTOVER_MOVES, REHEARSAL_MOVES, RUN_MOVES, Cutover, IllegalMove, Rehearsal, Run, advance

MACHINES = [(Cutover, CUTOVER_MOVES), (Run, RUN_MOVES), (Rehearsal, REHEARSAL_MOVES)]
STARTS = [Cutover.DRAFT, Run.PENDING, Rehearsal.OPENING]
PAIRS = [(kind, old, new) for kind, table in MACHINES for old in kind for new in kind if new not in table[old]]


@pytest.mark.parametrize(("kind", "table"), MACHINES)
def test_every_state_has_its_row(kind, table):
    assert set(table) == set(kind)


@pytest.mark.parametrize(
    ("kind", "table", "start"), [(*machine, start) for machine, start in zip(MACHINES, STARTS, strict=True)]
)
def test_every_state_can_be_reached(kind, table, start):
    reached, todo = {start}, [start]
    while todo:
        new = table[todo.pop()] - reached
        reached |= new
        todo += new
    assert reached == set(kind)


@pytest.mark.parametrize(("kind", "table"), MACHINES)
def test_what_the_table_allows_may_happen(kind, table):
    for old, allowed in table.items():
        for new in allowed:
            advance(kind, old, new)


@pytest.mark.parametrize(("kind", "old", "new"), PAIRS)
def test_anything_else_is_refused_with_what_is_allowed(kind, old, new):
    table = dict(MACHINES)[kind]
    with pytest.raises(IllegalMove) as error:
        advance(kind, old, new)
    message = str(error.value)
    assert f"{old} cannot become {new}" in message
    assert all(allowed in message for allowed in table[old])
    assert table[old] or "final" in message


def test_a_state_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="ready"):
        advance(Run, "pending", "ready")


def test_only_what_has_ended_for_good_is_final():
    assert {s for s, moves in CUTOVER_MOVES.items() if not moves} == {Cutover.ROLLED_BACK, Cutover.CANCELLED}
    assert {s for s, moves in RUN_MOVES.items() if not moves} == {Run.RESTORED}
    assert {s for s, moves in REHEARSAL_MOVES.items() if not moves} == set(Rehearsal) - states.REHEARSING


def test_a_cutover_is_active_or_at_rest_or_not_yet_begun_and_never_two_of_these():
    waiting = states.BEFORE_WINDOW - {Cutover.SCHEDULED}
    groups = [states.ACTIVE, states.AT_REST, waiting]
    assert frozenset().union(*groups) == frozenset(Cutover)
    assert sum(map(len, groups)) == len(Cutover)
    assert states.RUNNING <= states.ACTIVE


def test_a_pause_and_a_rollback_are_reachable_from_every_running_state():
    for state in states.RUNNING:
        assert {Cutover.PAUSED, Cutover.ROLLING_BACK} <= CUTOVER_MOVES[state]
        assert state in CUTOVER_MOVES[Cutover.PAUSED]


def test_whoever_may_be_rolled_back_may_move_there():
    assert all(Cutover.ROLLING_BACK in CUTOVER_MOVES[state] for state in states.CAN_ROLL_BACK)


def test_a_cancelled_cutover_never_had_begun():
    assert {s for s, moves in CUTOVER_MOVES.items() if Cutover.CANCELLED in moves} == states.BEFORE_WINDOW


def test_a_rollback_knows_what_to_do_with_every_state_of_a_device():
    assert set(Run) == CLEAN | TO_UNDO
    assert not CLEAN & TO_UNDO
    assert all(Run.UNDOING in RUN_MOVES[run] for run in TO_UNDO - {Run.UNDOING})


def test_whatever_counts_as_failed_has_a_finding():
    assert states.COUNTS_AS_FAILED < states.WITH_FINDING
