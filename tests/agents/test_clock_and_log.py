"""The dashboard's time, and log lines that cannot be forged."""

import logging
import time

import pytest

from agents.clock import JITTER_MS, Clock
from agents.log import Formatter, escape


class Clocks:
    wall, monotonic = 1_000_000.0, 50.0


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(time, "time", lambda: clocks.wall)
    monkeypatch.setattr(time, "monotonic", lambda: clocks.monotonic)
    return clocks


def test_without_the_dashboard_it_is_the_wall_clock(clocks: Clocks) -> None:
    assert Clock().now_ms() == 1_000_000_000


def test_it_never_jumps_with_the_wall_clock(clocks: Clocks) -> None:
    clock = Clock()
    clock.learn(5_000)
    clocks.wall += 86_400
    clocks.monotonic += 2
    assert clock.now_ms() == 7_000


def test_messages_that_travelled_longer_do_not_set_it_back(clocks: Clocks) -> None:
    clock = Clock()
    clock.learn(5_000)
    clock.learn(5_000 - JITTER_MS + 1)
    assert clock.now_ms() == 5_000
    clock.learn(5_100)
    assert clock.now_ms() == 5_100
    clock.learn(1_000)  # the dashboard's clock was set
    assert clock.now_ms() == 1_000


def test_a_later_run_goes_on_from_what_was_known(clocks: Clocks) -> None:
    clock = Clock()
    clock.learn(5_000)
    offset = clock.offset_ms()
    later = Clock()
    clocks.wall += 10
    clocks.monotonic += 10
    later.assume(offset)
    assert later.now_ms() == 15_000
    later.learn(20_000)
    later.assume(0)
    assert later.now_ms() == 20_000


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "\u202egnp.exe", "a\u2028b", "\x00", "\ud800"])
def test_control_characters_of_foreign_text_are_escaped(text: str) -> None:
    line = Formatter().format(logging.LogRecord("n", logging.INFO, "p", 1, "said %s", (text,), None))
    assert text not in line
    assert line.isprintable()
    assert escape("Küche ü") == "Küche ü"
