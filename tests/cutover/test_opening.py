"""What happens when a window opens, and what is left alone before and after."""

import dataclasses
import datetime as dt

import pytest

from fleet.cutover import plan
from fleet.cutover.snapshot import Ask, Move, RunView, Snapshot
from fleet.cutover.states import Cutover, Run

START = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
SCHEDULED = Snapshot(
    state=Cutover.SCHEDULED,
    direction="forward",
    to_scheme="https",
    starts_at=START,
    ends_at=START + dt.timedelta(minutes=60),
    no_return_at=START + dt.timedelta(minutes=40),
    on_window_close="hold",
    on_threshold="roll_back",
    server=RunView(0, "netpos", "server", Run.PENDING),
    terminals=(RunView(1, "T01", "terminal", Run.PENDING),),
    limits=(0,),
    forward_s=60,
)


def moves(snapshot: Snapshot, minutes: float) -> list[Cutover]:
    steps = plan.next_steps(snapshot, START + dt.timedelta(minutes=minutes))
    return [step.to for step in steps if isinstance(step, Move)]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-0.1, []), (0, [Cutover.ARMING]), (39, [Cutover.ARMING]), (39.1, [Cutover.CANCELLED]), (600, [Cutover.CANCELLED])],
)
def test_a_window_is_used_from_its_start_until_the_way_forward_does_not_fit(minutes, expected):
    assert moves(SCHEDULED, minutes) == expected


def test_arming_asks_every_device_at_once():
    arming = dataclasses.replace(SCHEDULED, state=Cutover.ARMING)
    assert plan.next_steps(arming, START) == [Ask((0, 1), "arm")]


def test_arming_ends_at_the_point_of_no_return():
    assert moves(dataclasses.replace(SCHEDULED, state=Cutover.ARMING), 40) == [Cutover.ROLLING_BACK]


@pytest.mark.parametrize("state", [Cutover.DRAFT, Cutover.SUBMITTED, Cutover.CANCELLED, Cutover.ROLLED_BACK])
def test_nothing_happens_by_itself_before_approval_or_after_the_end(state):
    assert plan.next_steps(dataclasses.replace(SCHEDULED, state=state), START) == []
