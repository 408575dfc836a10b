"""A few lines of `python -m tests.faults table`, whose whole takes half an hour: each kind of process, both ways, twice."""

import pytest

from tests.faults.site import Site
from tests.faults.table import Table, cases

pytestmark = pytest.mark.lab

CHOSEN = {
    ("server.start_service.proved", "forward", 2),
    ("server.stop_service.undone", "back", 2),
    ("gateway.take_uncommitted", "forward", 1),
    ("terminal.secured.undone", "back", 1),
}


def test_a_process_that_dies_at_a_point_changes_nothing_but_time(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("ft"), 3)
    chosen = [case for case in cases() if (case.point.name, case.way, case.times) in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    try:
        site.start()
        rows = Table(site, lambda row: None).run(chosen)
    finally:
        site.stop()
    for row in rows:
        assert row.good, (row.case, row.end, row.violations)
        assert row.deaths == row.case.times
