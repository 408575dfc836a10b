"""Trials are values: the same seed makes the same ones, and they are of all kinds."""

import json

from tests.faults import plan, summary
from tests.faults.invariants import Violation
from tests.faults.trial import Result


def test_the_same_seed_makes_the_same_trial():
    assert plan.make(7, 3, 10) == plan.make(7, 3, 10)
    assert plan.make(7, 3, 10) != plan.make(7, 4, 10) != plan.make(8, 4, 10)
    assert json.dumps(plan.make(7, 3, 10).as_json())


def test_three_hundred_trials_are_of_every_kind():
    made = [plan.make(1, i, 10) for i in range(300)]
    assert {kind for p in made for kind in p.kinds} == set(plan.KINDS)
    assert {p.way for p in made} == {"forward", "back"}
    assert all(1 <= len(p.faults) <= 4 for p in made)
    assert {p.body["duration_minutes"] for p in made} == {1, 60}


def test_only_long_trials_keep_the_dashboard_down():
    assert not any("down" in plan.make(1, i, 10).kinds for i in range(100))
    assert any("down" in plan.make(1, i, 10, long=True).kinds for i in range(20))


def test_the_table_counts_trials_and_says_what_zero_is_worth():
    good, bad = Result(plan.make(1, 0, 10), "completed", 2.0), Result(plan.make(1, 1, 10), "paused", None)
    assert "fewer than 1 %" in summary.table([good] * 300, 0)
    bad.violations.append(Violation("stranded", "x"))
    told = summary.table([good, bad], 1)
    assert "stranded                             1" in told
    assert "no bound" in told
