"""Touch as a program on Windows: found, closed through its window, started on the user's screen. Wine has windows without a
screen, and one user who is always logged in."""

import json
from pathlib import Path
from typing import Any

from tests.windows import wine
from tests.windows.wine import Windows

SCRIPT = Path(__file__).with_name("with_touch.py")


def did(windows: Windows, what: str, folder: Path) -> Any:
    return json.loads(windows.run(windows.path(SCRIPT), what, windows.path(folder), timeout=120))


def test_a_program_is_started_seen_and_closed_by_its_window(windows: Windows, tmp_path: Path) -> None:
    assert did(windows, "touch", tmp_path) == {
        "before": False,
        "appears": True,
        "since": True,
        "window": True,
        "closed": False,
    }


def test_a_window_with_a_dialog_is_left_alone(windows: Windows, tmp_path: Path) -> None:
    assert did(windows, "dialog", tmp_path) == {"up": True, "asked": 0, "session": True, "ended": True}


def test_a_program_that_does_not_close_is_busy_and_ended_only_where_that_is_allowed(windows: Windows, tmp_path: Path) -> None:
    assert did(windows, "busy", tmp_path) == {"others": True, "code": "touch_busy", "still": True, "after": False}


def test_every_argument_arrives_as_it_was_given(windows: Windows, tmp_path: Path) -> None:
    told = did(windows, "arguments", tmp_path)
    assert told["program"] == told["given"]
    assert told["windows"] == told["given"]


def test_a_service_starts_and_closes_it_with_the_users_token(windows: Windows, tmp_path: Path) -> None:
    told = did(windows, "as_service", tmp_path)
    assert told == {"user": told["session"], "appears": True, "session": told["user"], "nothing to ask": 3, "closed": True}
    assert told["user"] > 0


def test_a_start_of_the_machine_has_a_text_of_its_own(windows: Windows, tmp_path: Path) -> None:
    first, *again = did(windows, "boot", tmp_path)
    assert len(first) == 32
    assert again == [first, first]
    wine.restart(windows)
    second, *_ = did(windows, "boot", tmp_path)
    assert len(second) == 32
    assert second != first
