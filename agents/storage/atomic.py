"""Rewrites a file so that a crash at any moment leaves either the old bytes or the new ones, never a mixture."""

import contextlib
import os
from pathlib import Path

from agents.winapi import access, retry_locked

SUFFIX = ".tillway-new"


def replace(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Make `path` hold exactly `data`. An existing file keeps its mode and owner (on Windows its access list), a new one
    gets `mode` (on Windows 0o600 is agents.winapi.access.make_private, any other the folder's own list).

    Raises OSError; then the file holds the old bytes, or the new ones if only the last flush failed.
    """
    path = path.resolve()
    temp = path.parent / f".{path.name}{SUFFIX}"
    _remove(temp)  # a crash may have left it; there is one fixed name for each file, so such files cannot accumulate
    old = path.stat() if path.exists() else None
    if old is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "is write-protected", str(path))
    try:
        _write_new(temp, data, path, old, mode)
        retry_locked.writing(lambda: os.replace(temp, path))
    except BaseException:
        _remove(temp)
        raise
    settle(path)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make the folder and its missing parents, and flush them, so that they survive a power cut. Raises OSError."""
    missing = [item for item in folder.parents if not item.exists()]
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=mode)
    if new and mode == 0o700:
        access.make_private(folder)
    # Flush an existing folder, too: the process that made it may have died before this line. A folder that we may not read was
    # made by an installer, long ago.
    for item in (folder, *missing):
        with contextlib.suppress(PermissionError):
            fsync_folder(item.parent)


def settle(path: Path) -> None:
    """Flush the rename that gave this file its name, so that it survives a power cut. Raises OSError."""
    if os.name == "nt":
        # Windows cannot flush a folder. Flushing a file also flushes the disk's log up to the file's last entry, the rename.
        retry_locked.writing(lambda: _flush(path))
    else:
        fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Flush the changes in this folder, so that they survive a power cut. On Windows it does nothing: there is no such call."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes, because os.write may write fewer. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_new(temp: Path, data: bytes, path: Path, old: os.stat_result | None, mode: int) -> None:
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if os.name != "nt":
            _same_owner(fd, old)
            os.fchmod(fd, old.st_mode & 0o7777 if old else mode)
        elif old is not None:
            access.copy(path, temp)
        elif mode == 0o600:
            access.make_private(temp)
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def _same_owner(fd: int, old: os.stat_result | None) -> None:
    if old is None:
        return
    mine = os.fstat(fd)
    if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(fd, old.st_uid, old.st_gid)


def _remove(temp: Path) -> None:
    retry_locked.writing(lambda: temp.unlink(missing_ok=True))
