"""Every reachable state of small sites, with every order of events, keeps the rules of docs/reliability.md.

A walk that finds a broken rule prints the shortest way there. `pytest -rP` shows how many states were seen;
with TILLWAY_WALK=full every policy is walked with faults, which takes minutes."""

import os
import sys

import pytest

from tests.cutover.model import Setting
from tests.cutover.walk import walk

POLICIES = [(close, threshold) for close in ("hold", "finish", "roll_back") for threshold in ("roll_back", "pause")]


def keeps_the_rules(setting: Setting) -> None:
    seen = walk(setting)
    sys.stdout.write(f"{seen}\n")
    assert seen.broken is None, str(seen)
    assert seen.states > 1000, "the world has become so small that it proves nothing"


@pytest.mark.parametrize(("close", "threshold"), POLICIES)
def test_one_terminal_without_faults_whatever_people_press(close, threshold):
    keeps_the_rules(Setting((0,), (0,), close, threshold, faults=0))


def test_one_terminal_with_a_fault_whatever_people_press():
    keeps_the_rules(Setting((0,), (1,), "roll_back", "roll_back", faults=1))


def test_one_terminal_with_two_faults_or_presses():
    keeps_the_rules(Setting((0,), (1,), "hold", "roll_back", faults=2, outbox=2, presses_cost=True))


def test_a_canary_and_another_terminal():
    keeps_the_rules(Setting((0, 1), (0, 0), "hold", "roll_back", faults=1, presses_cost=True))


def test_a_canary_and_another_terminal_with_a_pause_at_the_threshold():
    keeps_the_rules(Setting((0, 1), (0, 0), "roll_back", "pause", faults=1, presses_cost=True))


def test_two_terminals_of_one_wave_of_which_one_may_fail():
    keeps_the_rules(Setting((0, 0), (1,), "finish", "roll_back", faults=1, untrusted=0, presses=("roll back",)))


def test_a_terminal_that_lies_is_found_by_its_second_lookup():
    keeps_the_rules(Setting((0,), (0,), "hold", "roll_back", faults=1, untrusted=0, lies=True))


def test_a_terminal_that_lies_beside_an_honest_one():
    keeps_the_rules(Setting((0, 0), (0,), "hold", "pause", faults=1, untrusted=0, lies=True, presses=("roll back",)))


def test_three_terminals_in_two_waves():
    keeps_the_rules(Setting((0, 1, 1), (0, 1), "hold", "roll_back", faults=0, presses=("roll back",)))


@pytest.mark.parametrize(("close", "threshold"), POLICIES)
def test_a_terminal_by_hand_whatever_people_press(close, threshold):
    keeps_the_rules(Setting((0,), (0,), close, threshold, faults=0, by_hand=(0,)))


def test_a_terminal_by_hand_whose_person_is_late_or_wrong_or_gone_or_presses_twice():
    keeps_the_rules(Setting((0,), (1,), "hold", "roll_back", faults=2, outbox=2, by_hand=(0,), presses_cost=True))


def test_a_terminal_by_hand_after_a_canary_with_an_agent():
    keeps_the_rules(Setting((0, 1), (0, 0), "hold", "roll_back", faults=0, by_hand=(1,), presses=("roll back",)))


def test_a_terminal_by_hand_beside_one_with_an_agent():
    keeps_the_rules(Setting((0, 0), (1,), "roll_back", "pause", faults=1, untrusted=0, by_hand=(1,), presses=("roll back",)))


@pytest.mark.parametrize(("close", "threshold"), POLICIES)
def test_a_server_by_hand_whatever_people_press(close, threshold):
    keeps_the_rules(Setting((0, 1), (0, 0), close, threshold, faults=0, server_by_hand=True))


def test_a_server_by_hand_whose_person_is_late_or_wrong_or_gone_or_presses_twice():
    keeps_the_rules(Setting((0,), (1,), "hold", "roll_back", faults=2, outbox=2, server_by_hand=True, presses_cost=True))


def test_a_server_by_hand_and_every_terminal_too():
    keeps_the_rules(Setting((0, 0), (1,), "hold", "pause", faults=1, by_hand=(0, 1), server_by_hand=True, presses_cost=True))


def test_a_server_by_hand_with_a_terminal_of_each_kind():
    keeps_the_rules(
        Setting((0, 1), (0, 0), "roll_back", "roll_back", faults=1, by_hand=(1,), server_by_hand=True, presses=("roll back",))
    )


def test_the_same_walk_sees_the_same_states():
    first, second = (walk(Setting((0,), (0,), faults=0)) for _ in range(2))
    assert (first.states, first.events) == (second.states, second.events)


@pytest.mark.skipif(os.environ.get("TILLWAY_WALK") != "full", reason="takes minutes; TILLWAY_WALK=full")
@pytest.mark.parametrize(("close", "threshold"), POLICIES)
@pytest.mark.parametrize(
    ("waves", "limits", "more"),
    [
        ((0,), (0,), {"faults": 1}),
        ((0,), (1,), {"faults": 2, "outbox": 2, "presses_cost": True}),
        ((0, 1), (0, 0), {"faults": 1, "presses_cost": True}),
        ((0, 0), (1,), {"faults": 1, "presses_cost": True}),
        ((0, 1, 1), (0, 1), {"faults": 0, "presses": ("roll back",)}),
    ],
)
def test_every_policy_at_length(close, threshold, waves, limits, more):
    keeps_the_rules(Setting(waves, limits, close, threshold, **more))
