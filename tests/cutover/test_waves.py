"""Which terminal flips in which wave, and how many of a wave may fail."""

import pytest

from fleet.cutover.waves import Layout, Wave, lay_out


def sizes(layout: Layout) -> list[int]:
    return [layout.numbers.count(wave) for wave in range(len(layout.limits))]


@pytest.mark.parametrize(
    ("count", "waves", "expected"),
    [
        pytest.param(10, [Wave(size=3), Wave(size=7)], [3, 7], id="sizes as given"),
        pytest.param(10, [Wave(percent=25), Wave(percent=75)], [3, 7], id="a percentage is rounded up"),
        pytest.param(24, [Wave(percent=1)], [1, 23], id="one percent of a few is one"),
        pytest.param(10, [Wave(size=1), Wave(percent=50)], [1, 5, 4], id="percent is of all, not of the rest"),
        pytest.param(10, [Wave(size=4)], [4, 6], id="whoever is left over forms a last wave"),
        pytest.param(3, [Wave(size=2), Wave(size=9)], [2, 1], id="a wave takes no more than there are"),
        pytest.param(2, [Wave(size=2), Wave(size=5), Wave(percent=50)], [2], id="waves that nobody is left for vanish"),
        pytest.param(0, [Wave(size=2)], [], id="no terminals, no waves"),
        pytest.param(10_000, [Wave(percent=33), Wave(percent=33)], [3300, 3300, 3400], id="a large site"),
    ],
)
def test_terminals_are_dealt_to_the_waves_in_order(count, waves, expected):
    layout = lay_out(count, waves)
    assert sizes(layout) == expected
    assert list(layout.numbers) == sorted(layout.numbers)


def test_a_percentage_is_rounded_up_exactly():
    # 7 percent of 100 is 7; in binary fractions 0.07 * 100 is a little more.
    assert sizes(lay_out(100, [Wave(percent=7)])) == [7, 93]


@pytest.mark.parametrize("count", [1, 2, 11, 24, 250])
def test_by_default_a_canary_and_then_the_rest(count):
    layout = lay_out(count)
    assert sizes(layout) == ([1] if count == 1 else [1, count - 1])
    assert layout.limits[0] == 0
    assert layout.limits[1:] == (() if count == 1 else ((count - 1) // 10,))


@pytest.mark.parametrize(
    ("wave", "limit"),
    [
        (Wave(size=10), 0),
        (Wave(size=10, max_failed=3), 3),
        (Wave(size=10, max_failed_percent=25), 2),
        (Wave(size=10, max_failed_percent=0), 0),
        (Wave(size=10, max_failed_percent=100), 10),
    ],
)
def test_how_many_of_a_wave_may_fail(wave, limit):
    assert lay_out(10, [wave]).limits == (limit,)


def test_the_percentage_of_failures_is_of_the_wave_as_it_became():
    assert lay_out(5, [Wave(size=100, max_failed_percent=40)]).limits == (2,)


def test_none_of_those_left_over_may_fail():
    assert lay_out(10, [Wave(size=4, max_failed=4)]).limits == (4, 0)


def test_limits_belong_to_the_waves_that_remain():
    layout = lay_out(2, [Wave(size=1, max_failed=1), Wave(size=1, max_failed=0), Wave(size=3, max_failed=3)])
    assert layout == Layout((0, 1), (1, 0))
