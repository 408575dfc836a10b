"""The one-time token, as whoever installs an agent may have saved it."""

import base64
import contextlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents import identity as module
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


def _dashboards_key() -> str:
    return base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


@pytest.mark.parametrize("failing", ["agent.key", "unlink agent.key.new", "unlink enrol.token", None])
def test_an_agent_that_dies_while_it_enrols_again_can_do_so_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str | None
) -> None:
    signing = _dashboards_key()
    Identity(tmp_path).enrolled("a1", signing)
    (tmp_path / "enrol.token").write_text("again")
    identity = Identity(tmp_path)
    applied = identity.applying().public
    replace, unlink = module.atomic.replace, Path.unlink

    def replacing(path: Path, data: bytes, **more: int) -> None:
        if path.name == failing:
            raise KeyboardInterrupt
        replace(path, data, **more)

    def unlinking(path: Path, missing_ok: bool = False) -> None:
        if f"unlink {path.name}" == failing:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(module.atomic, "replace", replacing)
        patch.setattr(Path, "unlink", unlinking)
        identity.enrolled("a1", signing)
    again = Identity(tmp_path)
    assert again.known is not None
    if again.applying().public != applied:
        assert again._key.public == applied, "it has become what it applied for"
    again = Identity(tmp_path)
    if again._key.public != applied:  # refused with its old key, it asks again with the same new one
        assert again.token() == "again"
        again.enrolled("a1", signing)
        assert again._key.public == applied


def test_a_device_that_was_never_enrolled_keeps_its_key_through_its_tries(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    assert identity.applying().public == Identity(tmp_path).applying().public
    assert not (tmp_path / "agent.key.new").exists()
