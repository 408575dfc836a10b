"""How long a cutover and its rollback are expected to take."""

from dataclasses import replace

import pytest

from agents.catalogue import RESTARTS
from fleet.cutover.forecast import RESTART_S, Timings, forward_s, rollback_s

TIMINGS = Timings(server_forward_s=10, server_back_s=20, terminal_forward_s=3, terminal_back_s=4, parallel=50)


@pytest.mark.parametrize(
    ("terminals", "rounds"), [(0, 0), (1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3), (10_000, 200)]
)
def test_terminals_go_in_rounds_of_as_many_as_at_once(terminals, rounds):
    assert forward_s(terminals, TIMINGS) == 10 + 3 * rounds
    assert rollback_s(terminals, TIMINGS) == 20 + 4 * rounds


def test_one_at_a_time():
    assert forward_s(5, Timings(10, 10, 2, 2, parallel=1)) == 20


def test_the_figures_of_a_first_night_are_careful_enough_for_a_rollback():
    assert rollback_s(24, Timings()) >= forward_s(24, Timings())


def test_a_person_sets_one_terminal_after_the_other():
    assert forward_s(50, TIMINGS, by_hand=3) == 10 + 3 + 3 * 120
    assert rollback_s(51, TIMINGS, by_hand=1) == 20 + 4 + 120


def test_a_site_of_terminals_by_hand_alone_has_no_round_of_agents():
    assert forward_s(2, TIMINGS, by_hand=2) == 10 + 240


def test_every_way_of_restarting_touch_has_its_time():
    assert set(RESTART_S) == set(RESTARTS)


def test_terminals_that_restart_touch_slow_down_the_rounds_that_they_are_in():
    both = replace(TIMINGS, restarts=(("program", 2), ("reboot", 1)))
    assert forward_s(200, both) == forward_s(200, TIMINGS) + 2 * (20 - 3) + (240 - 3)
    assert rollback_s(200, both) == rollback_s(200, TIMINGS) + 2 * (20 - 4) + (240 - 4)
    everybody = replace(TIMINGS, restarts=(("program", 200),))
    assert forward_s(200, everybody) == 10 + 4 * 20
    assert forward_s(0, everybody) == 10


def test_what_was_measured_counts_where_it_is_longer():
    slow = replace(TIMINGS, terminal_forward_s=33, restarts=(("program", 200),))
    assert forward_s(200, slow) == 10 + 4 * 33
