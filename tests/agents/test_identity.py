"""The one-time token, as whoever installs an agent may have saved it."""

from pathlib import Path

import pytest

from agents.identity import Identity

TOKEN = "tw-enrol-0123456789abcdef"
SAVED = {
    "plain": TOKEN.encode(),
    "with a line's end": f"{TOKEN}\r\n".encode(),
    "by Notepad": f"\ufeff{TOKEN}\r\n".encode(),
    "by PowerShell's >": f"\ufeff{TOKEN}\r\n".encode("utf-16-le"),
    "the other way round": f"\ufeff{TOKEN}\n".encode("utf-16-be"),
}


@pytest.mark.parametrize("data", SAVED.values(), ids=SAVED)
def test_a_token_is_read_however_it_was_saved(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "enrol.token").write_bytes(data)
    assert Identity(tmp_path).token() == TOKEN


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_token_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "enrol.token").write_bytes(data)
    assert Identity(tmp_path).token() is None


def test_bytes_that_are_no_text_are_a_token_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "enrol.token").write_bytes(b"\xff\x00\xd8" * 3000)
    assert TOKEN not in (Identity(tmp_path).token() or "")
