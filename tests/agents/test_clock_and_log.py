"""The dashboard's time, and log lines that cannot be forged."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import __main__, log
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


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, websockets = logging.getLogger(), logging.getLogger("websockets")
    handlers, levels = root.handlers[:], (root.level, websockets.level)
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    websockets.setLevel(levels[1])


@pytest.mark.usefixtures("logging_as_before")
def test_a_log_file_is_kept_small_and_goes_on_when_somebody_reads_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 200)
    log.to_file(tmp_path / "agent.log")
    logger = logging.getLogger("agents.test")
    for number in range(30):
        logger.warning("line %s \ud800", number)  # half a character is no reason to lose a line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.log", *(f"agent.log.{n}" for n in (1, 2, 3))]

    def held(*_: object) -> None:
        raise PermissionError(13, "is used by another process")

    monkeypatch.setattr("os.rename", held)
    for number in range(30):
        logger.warning("held %s", number)
    text = (tmp_path / "agent.log").read_text()
    assert all(f"held {number}\n" in text for number in range(30))


@pytest.mark.usefixtures("logging_as_before")
def test_what_ends_an_agent_without_stderr_is_in_its_log(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    words = ["--config", str(config), "--log", str(tmp_path / "agent.log")]
    assert __main__.main(words) == 2
    assert "agent.toml" in (tmp_path / "agent.log").read_text()
    # A file where the state folder should be; the configuration as Notepad saves it.
    lines = ["role = 'terminal'", "name = 'A'", "gateway = 'wss://x'", "gateway_ca = 'ca.pem'", "state = 'agent.toml'"]
    config.write_text("\n".join([*lines, "settings = 'S.xml'"]), encoding="utf-8-sig", newline="\r\n")
    assert __main__.main(words) == 1
    assert "the agent ended" in (tmp_path / "agent.log").read_text()


@pytest.mark.usefixtures("logging_as_before")
def test_a_log_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    assert __main__.main(["--config", "x.toml", "--log", str(tmp_path / "missing" / "agent.log")]) == 2


@pytest.mark.usefixtures("logging_as_before")
def test_without_any_stderr_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)  # as pythonw.exe and Windows' services have it
    assert __main__.main(["--config", "missing.toml"]) == 2
