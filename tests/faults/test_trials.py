"""The first trials of `python -m tests.faults trials --seed 1`, on three sites at a time; fewer on PostgreSQL, which
`make test` starts for a second run (tests/postgres.py)."""

import os

import pytest

from fleet.preflight.cost.quantiles import quantile
from tests.faults.campaign import Campaign

pytestmark = pytest.mark.lab

POSTGRES = os.environ.get("DATABASE_URL", "").startswith("postgres")
TRIALS, JOBS = 8 if POSTGRES else 30, 3


def test_nobody_is_stranded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fx")
    campaign = Campaign(folder, 1, 10, lambda number: f"python -m tests.faults trials --only {number}", lambda result: None)
    campaign.postgres = os.environ["DATABASE_URL"] if POSTGRES else None
    results = campaign.run(range(TRIALS), JOBS)
    wrong = [(r.plan.number, r.violations, r.said) for r in results if r.violations]
    assert not wrong, f"kept in {folder / 'failures'}: {wrong}"
    recovery = sorted(r.recovery_s for r in results if r.recovery_s is not None)
    assert quantile(recovery, 0.5) <= 15
    assert recovery[-1] <= 60
