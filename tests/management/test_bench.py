"""What `manage.py bench` makes of the times it measured."""

from fleet.management.bench.measure import percentiles


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed():
    assert percentiles([float(n) for n in range(200, 0, -1)]) == {"p50": 100.0, "p95": 190.0, "p99": 198.0, "max": 200.0}
    assert percentiles([7.04]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0, "max": 7.0}
    assert percentiles([]) == {}
