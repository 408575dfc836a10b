"""The maintenance window's sums."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from fleet.cutover.forecast import Timings, forward_s, rollback_s
from fleet.cutover.window import MARGIN, ends_at, point_of_no_return, why_not

START = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
SYDNEY = ZoneInfo("Australia/Sydney")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(dt.datetime(2026, 10, 4, 1, 30, tzinfo=SYDNEY), id="clocks go forward inside"),
        pytest.param(dt.datetime(2026, 4, 5, 1, 30, tzinfo=SYDNEY), id="clocks go back inside"),
        pytest.param(dt.datetime(2026, 4, 5, 2, 30, tzinfo=SYDNEY, fold=1), id="begins in the hour that comes twice"),
        pytest.param(dt.datetime(2026, 7, 1, 1, 30, tzinfo=SYDNEY), id="no change"),
    ],
)
def test_a_window_lasts_as_long_as_planned_whatever_the_clocks_do(start):
    end = ends_at(start, 120)
    assert end.astimezone(dt.UTC) - start.astimezone(dt.UTC) == dt.timedelta(minutes=120)


def test_the_wall_clock_shows_the_change():
    end = ends_at(dt.datetime(2026, 10, 4, 1, 30, tzinfo=SYDNEY), 60)
    assert end.astimezone(SYDNEY).time() == dt.time(3, 30)


def test_a_window_beyond_the_last_year_is_an_error():
    with pytest.raises(OverflowError):
        ends_at(dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC), 2)


@pytest.mark.parametrize("terminals", [0, 1, 24, 50, 51, 1000])
def test_a_whole_rollback_with_its_margin_fits_after_the_point_of_no_return(terminals):
    end = ends_at(START, 60)
    left = (end - point_of_no_return(end, terminals, Timings())).total_seconds()
    assert left == pytest.approx(rollback_s(terminals, Timings()) * (1 + MARGIN))


def test_the_more_terminals_the_earlier_the_point_of_no_return():
    end = ends_at(START, 60)
    points = [point_of_no_return(end, n, Timings()) for n in (1, 100, 1000)]
    assert points == sorted(points, reverse=True)
    assert len(set(points)) == 3


@pytest.mark.parametrize("terminals", [1, 24])
def test_a_window_of_one_minute_may_start(terminals):
    assert why_not(START, ends_at(START, 1), terminals, Timings()) is None


def test_what_cannot_fit_is_refused_with_figures():
    reason = why_not(START, ends_at(START, 1), 1000, Timings())
    assert reason is not None
    assert f"{forward_s(1000, Timings()):.0f} s" in reason
    assert "longer window" in reason


def test_a_start_after_the_end_has_no_time_left_and_no_negative_time():
    reason = why_not(START + dt.timedelta(hours=2), ends_at(START, 60), 1, Timings())
    assert reason is not None
    assert " 0 s are left" in reason


def test_it_may_start_exactly_as_long_as_it_fits():
    end, timings = ends_at(START, 60), Timings()
    latest = point_of_no_return(end, 24, timings) - dt.timedelta(seconds=forward_s(24, timings))
    assert why_not(latest, end, 24, timings) is None
    assert why_not(latest + dt.timedelta(seconds=1), end, 24, timings) is not None


def test_terminals_by_hand_need_time_in_the_window():
    end = ends_at(START, 10)
    assert why_not(START, end, 24, Timings()) is None
    assert "choose a longer window" in (why_not(START, end, 24, Timings(), by_hand=3) or "")
    gone = point_of_no_return(end, 24, Timings()) - point_of_no_return(end, 24, Timings(), by_hand=2)
    assert gone.total_seconds() == 2 * 120 * (1 + MARGIN)
