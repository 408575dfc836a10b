"""Fills the file system on which a whole site lies, and keeps it full."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

LARGEST = 1 << 30  # bytes of free room that we are willing to eat
BLOCKS = (1 << 20, 1 << 12)


class NotSmall(Exception):
    """The file system has more room than a file system made for this."""


class Filler:
    """file: what takes up the room; made by fill(), gone after empty()."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._full = False

    def fill(self) -> None:
        """Not a byte is free from now on. Raises NotSmall, OSError."""
        check(self.file.parent)
        self._full = True
        self.top_up()

    def top_up(self) -> None:
        """Take what was given back meanwhile, while it is to be full. Raises OSError, but not for a full disk."""
        if not self._full:
            return
        with self.file.open("ab", buffering=0) as file:
            for size in BLOCKS:
                with contextlib.suppress(_DiskFull):
                    while True:
                        _write(file.fileno(), bytes(size))

    def empty(self) -> None:
        """There is room again."""
        self._full = False
        self.file.unlink(missing_ok=True)


def check(folder: Path) -> None:
    """Raises NotSmall unless this folder lies on a small file system of its own, such as a tmpfs of 96 MB."""
    if (free := shutil.disk_usage(folder).free) > LARGEST:
        raise NotSmall(f"{folder} has {free >> 20} MB free; use a small file system of its own, such as a tmpfs of 96 MB")


class _DiskFull(Exception):
    pass


def _write(file: int, block: bytes) -> None:
    try:
        os.write(file, block)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _DiskFull from error
        raise
