"""The days: at the window's start, at its end and 30 days after."""

import datetime as dt

from fleet.preflight.certificate.validity import window_times
from tests.preflight.pki import NOW, ca, codes, files, server, verdict

SECOND = dt.timedelta(seconds=1)
ROOT = ca("Days Root")


def _codes(start: dt.datetime, end: dt.datetime, *times: dt.datetime) -> set[str]:
    return codes(verdict(files(server(ROOT, start=start, end=end), roots=[ROOT]), "pos-srv", times=times))


def test_the_moments_of_a_window_are_its_start_its_end_and_thirty_days_after() -> None:
    zone = dt.timezone(dt.timedelta(hours=11))
    start = NOW.astimezone(zone)
    assert window_times(start, start + dt.timedelta(hours=1)) == (
        NOW,
        NOW + dt.timedelta(hours=1),
        NOW + dt.timedelta(days=30, hours=1),
    )


def test_both_ends_belong_to_it_in_whole_seconds() -> None:
    begin, end = NOW, NOW + dt.timedelta(days=1)
    assert _codes(begin, end, begin, end, end + dt.timedelta(milliseconds=5)) == set()
    assert _codes(begin, end, begin - dt.timedelta(milliseconds=1)) == {"not_yet_valid"}
    assert _codes(begin, end, end + SECOND) == {"expired"}


def test_the_code_says_whether_it_holds_at_the_beginning_of_the_window() -> None:
    window = window_times(NOW, NOW + dt.timedelta(hours=1))
    long_ago, far = NOW - dt.timedelta(days=99), NOW + dt.timedelta(days=99)
    assert _codes(long_ago, NOW - SECOND, *window) == {"expired"}
    assert _codes(long_ago, NOW + SECOND, *window) == {"expired_in_window"}
    assert _codes(long_ago, NOW + dt.timedelta(days=20), *window) == {"expired_in_window"}
    assert _codes(NOW + SECOND, far, *window) == {"not_yet_valid_in_window"}
    assert _codes(NOW + dt.timedelta(days=40), far, *window) == {"not_yet_valid"}


def test_a_ca_that_ends_first_is_named_as_the_chain() -> None:
    middle = ca("Short CA", ROOT, end=NOW + dt.timedelta(days=3))
    times = window_times(NOW, NOW + dt.timedelta(hours=1))
    result = verdict(files(server(middle), middle, roots=[ROOT]), "pos-srv", times=times)
    assert codes(result) == {"chain_expires_in_window"}
    old = ca("Old CA", ROOT, end=NOW - dt.timedelta(days=3))
    result = verdict(files(server(old), old, roots=[ROOT]), "pos-srv", times=times)
    assert codes(result) == {"expired", "chain_expires_in_window"}


def test_a_renewed_ca_beside_the_old_one_is_found_for_each_moment() -> None:
    old = ca("Renewed CA", ROOT, end=NOW + dt.timedelta(days=3))
    new = ca("Renewed CA", ROOT, start=NOW - dt.timedelta(days=3))
    assert verdict(files(server(old), old, new, roots=[ROOT]), "pos-srv", times=(NOW, NOW + dt.timedelta(days=30))).suitable
