"""Fills the file system of a whole site, and keeps it full."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

LARGEST = 1 << 30  # bytes of free space that it fills at most
BLOCKS = (1 << 20, 1 << 12)  # bytes: first large ones, then small ones for the rest


class NotSmall(Exception):
    """The file system is too large to be one that was made for this."""


class Filler:
    """Fills a disk. file: takes up the space; fill() makes it and empty() removes it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._full = False

    def fill(self) -> None:
        """Use up all free space. Raises NotSmall, OSError."""
        check(self.file.parent)
        self._full = True
        self.top_up()

    def top_up(self) -> None:
        """Use up space that has become free since fill(). Raises OSError, but not for a full disk."""
        if not self._full:
            return
        with self.file.open("ab", buffering=0) as file:
            for size in BLOCKS:
                with contextlib.suppress(_DiskFull):
                    while True:
                        _write(file.fileno(), bytes(size))

    def empty(self) -> None:
        """Make the space free again."""
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
