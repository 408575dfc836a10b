"""Access to a device's settings files. The lab's subclass simulates a write-protected file, so every settings write of the
agent must go through the instance that it was given."""

import os
import shutil
from pathlib import Path

from agents.storage import atomic
from agents.winapi import retry_locked

MAX_SETTINGS_BYTES = 4 * 1024 * 1024


class Files:
    """Reads a file, and replaces it atomically."""

    def read(self, path: Path) -> bytes:
        """The bytes of a settings file. Raises OSError, also if it is larger than 4 MiB."""
        data = retry_locked.reading(lambda: _read(path))
        if len(data) > MAX_SETTINGS_BYTES:
            raise OSError(f"{path} is larger than {MAX_SETTINGS_BYTES} bytes")
        return data

    def write(self, path: Path, data: bytes) -> None:
        """Replace the file's content atomically; mode and owner stay, on Windows the access list. Raises OSError."""
        atomic.replace(path, data)

    def settle(self, path: Path) -> None:
        """Flush what an earlier process has written, because it may have died before its last flush. Raises OSError."""
        atomic.settle(path.resolve())

    def free_bytes(self, folder: Path) -> int:
        """Free bytes on the disk of this folder. Raises OSError."""
        return shutil.disk_usage(folder).free

    def try_folder(self, path: Path) -> None:
        """Check that `path` could be replaced: write and remove a temporary file beside it, and check that `path` itself is not
        write-protected. Raises OSError."""
        path = path.resolve()
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "is write-protected", str(path))
        probe = path.parent / f".{path.name}.tillway-probe"
        # A crash may have left this file. It has one fixed name, so such files cannot accumulate.
        retry_locked.writing(lambda: probe.unlink(missing_ok=True))
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            atomic.write_all(fd, b"probe")
            os.fsync(fd)
        finally:
            os.close(fd)
            retry_locked.writing(probe.unlink)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SETTINGS_BYTES + 1)
