"""Rewriting a file: a fault at any operation leaves the old bytes or the new ones."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.files import Files
from agents.storage.atomic import SUFFIX

OPERATIONS = ("open", "write", "fsync", "fchmod", "close", "replace")


class PowerCut(BaseException):
    """Nothing runs after this, not even clean-up."""


@contextmanager
def fault(number: int, error: BaseException, *, dead: bool) -> Iterator[list[str]]:
    """Let the number-th file operation raise; with `dead`, all after it too. Yields what was called."""
    calls: list[str] = []
    originals = {name: getattr(os, name) for name in OPERATIONS}
    remove = Path.unlink

    def failing(name: str):
        def call(*args, **kwargs):
            calls.append(name)
            if len(calls) - 1 == number or (dead and len(calls) > number):
                raise error
            return originals[name](*args, **kwargs)

        return call

    def unlink(self, missing_ok: bool = False) -> None:
        if dead and len(calls) > number:
            raise error
        remove(self, missing_ok=missing_ok)

    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, failing(name))
        patch.setattr(Path, "unlink", unlink)
        yield calls


def _count(path: Path) -> int:
    with fault(10_000, OSError(), dead=False) as calls:
        Files().write(path, b"old")
    return len(calls)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), PowerCut()], ids=["full", "power cut"])
@pytest.mark.parametrize("data", [b"new", b"n" * 300_000])
def test_a_fault_at_any_operation_leaves_old_or_new(tmp_path: Path, error: BaseException, data: bytes) -> None:
    path = tmp_path / "settings.xml"
    path.write_bytes(b"old")
    total = _count(path)
    assert total >= len(OPERATIONS)
    seen = set()
    for number in range(total):
        path.write_bytes(b"old")
        with fault(number, error, dead=isinstance(error, PowerCut)), pytest.raises(type(error)):
            Files().write(path, data)
        assert path.read_bytes() in (b"old", data), f"torn after operation {number}"
        seen.add(path.read_bytes())
    assert b"old" in seen
    Files().write(path, b"last")
    assert path.read_bytes() == b"last"
    assert [item.name for item in tmp_path.iterdir()] == ["settings.xml"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    Files().write(tmp_path / "f", b"0123456789")
    assert (tmp_path / "f").read_bytes() == b"0123456789"


def test_everything_is_flushed_before_the_name_changes(tmp_path: Path) -> None:
    with fault(10_000, OSError(), dead=False) as calls:
        Files().write(tmp_path / "f", b"x")
    assert calls.index("write") < calls.index("fsync") < calls.index("replace")
    assert "fsync" in calls[calls.index("replace") :], "the folder must be flushed too"


def test_mode_and_owner_stay(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x")
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 1234, 2345)
    before = path.stat()
    Files().write(path, b"y")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_new_file_is_private(tmp_path: Path) -> None:
    Files().write(tmp_path / "new", b"y")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    Files().write(tmp_path / "link", b"y")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"y"


def test_what_a_crash_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    left = tmp_path / f".f{SUFFIX}"
    left.write_bytes(b"half")
    Files().write(tmp_path / "f", b"y")
    assert not left.exists()


def test_trying_a_folder_leaves_nothing(tmp_path: Path) -> None:
    Files().try_folder(tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError):
        Files().try_folder(tmp_path / "missing" / "f")
