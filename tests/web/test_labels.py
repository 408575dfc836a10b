"""Every state has words of its own, and times are said as people say them."""

import datetime as dt
import zoneinfo

import pytest

from fleet.cutover.states import Cutover, Run
from fleet.web import labels
from fleet.web.local_time import LocalTimeError, to_utc

SYDNEY = zoneinfo.ZoneInfo("Australia/Sydney")


def test_no_two_states_look_the_same():
    assert set(labels.RUN_PILLS) == set(Run)
    assert len({pill.shape for pill in labels.RUN_PILLS.values()}) == len(Run), "a state must be told without colour"
    assert set(labels.CUTOVER_PILLS) == set(Cutover)
    assert len({pill.word for pill in labels.CUTOVER_PILLS.values()}) == len(Cutover)


@pytest.mark.parametrize(
    ("s", "text"), [(0, "0 s"), (59.4, "59 s"), (90, "1 min 30 s"), (600, "10 min"), (7260, "2 h 1 min"), (200_000, "2 days")]
)
def test_spans(s, text):
    assert labels.span(s) == text


def test_a_reason_that_repeats_the_pill_is_left_out():
    ready = labels.run_pill("armed")
    assert labels.reason_beside(ready, "ready") == ""
    assert labels.reason_beside(ready, "retry") == "retry"


def test_a_zone_that_is_none_is_utc():
    assert labels.zone_of("Mars/Base") is dt.UTC
    assert labels.zone_of("../etc/passwd") is dt.UTC


def test_an_ordinary_night():
    assert to_utc(dt.datetime(2026, 3, 15, 3, 0), SYDNEY) == dt.datetime(2026, 3, 14, 16, 0, tzinfo=dt.UTC)


def test_the_hour_that_is_skipped():
    with pytest.raises(LocalTimeError, match="03:30") as caught:
        to_utc(dt.datetime(2026, 10, 4, 2, 30), SYDNEY)
    assert not caught.value.ambiguous


def test_the_hour_that_comes_twice():
    local = dt.datetime(2026, 4, 5, 2, 30)
    with pytest.raises(LocalTimeError) as caught:
        to_utc(local, SYDNEY)
    assert caught.value.ambiguous
    assert to_utc(local, SYDNEY, "first") == dt.datetime(2026, 4, 4, 15, 30, tzinfo=dt.UTC)
    assert to_utc(local, SYDNEY, "second") == dt.datetime(2026, 4, 4, 16, 30, tzinfo=dt.UTC)
