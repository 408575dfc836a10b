"""Files that another program holds for a moment: tried again for some seconds, and no longer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.files import Files
from agents.winapi import retry_locked


class WindowsError(OSError):
    """As Windows' Python raises it."""

    def __init__(self, number: int) -> None:
        super().__init__(13, "is used by another process")
        self.winerror = number


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; none of them takes any time."""
    made: list[float] = []
    monkeypatch.setattr(retry_locked.time, "sleep", made.append)
    return made


def failing(number: int, times: int) -> Callable[[], str]:
    """Works after so many failures."""
    left = iter(range(times))

    def act() -> str:
        if next(left, None) is not None:
            raise WindowsError(number)
        return "done"

    return act


@pytest.mark.parametrize("number", [5, 32, 33, 1224])
def test_a_replacement_waits_until_the_file_is_free(pauses: list[float], number: int) -> None:
    assert retry_locked.writing(failing(number, 3)) == "done"
    assert pauses == list(retry_locked.WRITING_S[:3])


def test_whoever_keeps_it_for_ever_is_told_of(pauses: list[float]) -> None:
    with pytest.raises(WindowsError):
        retry_locked.writing(failing(32, 100))
    assert 2 < sum(pauses) < 4  # the dashboard bears 15 s of silence


def test_reading_waits_a_moment_and_never_for_what_is_forbidden(pauses: list[float]) -> None:
    assert retry_locked.reading(failing(32, 2)) == "done"
    assert sum(retry_locked.READING_S) < 0.5
    pauses.clear()
    with pytest.raises(WindowsError):
        retry_locked.reading(failing(5, 1))
    assert pauses == []


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone"), PermissionError(13, "no"), WindowsError(112)])
def test_other_failures_are_told_at_once(pauses: list[float], error: OSError) -> None:
    def act() -> None:
        raise error

    with pytest.raises(type(error)):
        retry_locked.writing(act)
    assert pauses == []


def test_the_settings_are_written_although_a_scanner_looks_at_them(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    busy, replace = failing(5, 2), os.replace
    monkeypatch.setattr(os, "replace", lambda one, other: busy() and replace(one, other))
    (tmp_path / "settings.xml").write_bytes(b"old")
    Files().write(tmp_path / "settings.xml", b"new")
    assert (tmp_path / "settings.xml").read_bytes() == b"new"
    assert len(pauses) == 2
