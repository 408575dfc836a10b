"""Windows' rules for files, as the agent meets them. Wine keeps an access list as the mode of a Linux file: what others
may do is true to the list, what the group may do stands for SYSTEM."""

import stat
from pathlib import Path

import pytest

from tests.windows.wine import Windows

_WRITE = """
import sys
from pathlib import Path
from agents.files import Files
Files().write(Path(sys.argv[1]), b"new")
"""
_WRITE_WHILE_HELD = """
import sys
from pathlib import Path
from agents.winapi import retry_locked
from agents.files import Files
path = Path(sys.argv[1])
scanner = path.open("rb")  # Python shares reading and writing, but not deleting
pauses = []
def pause(seconds):
    pauses.append(seconds)
    if len(pauses) == 2:
        scanner.close()
retry_locked.time.sleep = pause
Files().write(path, b"new")
print(len(pauses))
"""
_BEGIN = """
import sys
from pathlib import Path
from agents.identity import Identity
from agents.storage.journal import Journal
state = Path(sys.argv[1])
Identity(state)
Journal(state / "journal").close()
"""


def for_others(path: Path) -> int:
    """What those may do who are neither owner nor group."""
    return stat.S_IMODE(path.stat().st_mode) & 0o7


@pytest.mark.parametrize("mode", [0o660, 0o664, 0o666])
def test_a_settings_file_keeps_its_access_list(windows: Windows, tmp_path: Path, mode: int) -> None:
    """In a folder that lets everybody read and write, which a new file would take over."""
    tmp_path.chmod(0o777)
    path = tmp_path / "TouchSettings.xml"
    path.write_bytes(b"old")
    path.chmod(mode)
    windows.run("-c", _WRITE, Windows.path(path))
    assert path.read_bytes() == b"new"
    assert for_others(path) & 0o6 == mode & 0o6


def test_a_settings_file_that_a_scanner_has_open_is_replaced_when_it_lets_go(windows: Windows, tmp_path: Path) -> None:
    path = tmp_path / "TouchSettings.xml"
    path.write_bytes(b"old")
    assert windows.run("-c", _WRITE_WHILE_HELD, Windows.path(path)).strip() == "2"
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["TouchSettings.xml"]


def test_key_and_journal_are_nobody_elses_whoever_made_the_state_folder(windows: Windows, tmp_path: Path) -> None:
    for state in (tmp_path / "new", tmp_path / "made by an installer"):
        if "installer" in state.name:
            state.mkdir(mode=0o755)
        windows.run("-c", _BEGIN, Windows.path(state))
        assert {path.name: for_others(path) for path in state.iterdir()} == {"agent.key": 0, "journal": 0}
    assert for_others(tmp_path / "new") == 0
