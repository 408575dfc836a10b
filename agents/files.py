"""The settings files as a device can reach them. The lab's subclass injects a write-protected file here,
so every settings write of the agent goes through the instance that it was given."""

import os
import shutil
from pathlib import Path

from agents.storage import atomic
from agents.winapi import retry_locked

MAX_SETTINGS_BYTES = 4 * 1024 * 1024


class Files:
    """Reads and atomic, byte-preserving rewrites."""

    def read(self, path: Path) -> bytes:
        """The bytes of a settings file. Raises OSError, also for one that is larger than 4 MiB."""
        data = retry_locked.reading(lambda: _read(path))
        if len(data) > MAX_SETTINGS_BYTES:
            raise OSError(f"{path} is larger than {MAX_SETTINGS_BYTES} bytes")
        return data

    def write(self, path: Path, data: bytes) -> None:
        """Replace the file's bytes at once, keeping mode and owner, on Windows its access list. Raises OSError."""
        atomic.replace(path, data)

    def settle(self, path: Path) -> None:
        """Make an earlier process's write outlive a power cut: it may have died before its last flush. Raises
        OSError."""
        atomic.settle(path.resolve())

    def free_bytes(self, folder: Path) -> int:
        """Free room on the disk of this folder. Raises OSError."""
        return shutil.disk_usage(folder).free

    def try_folder(self, path: Path) -> None:
        """Prove that a neighbour of `path` can be written, by writing one and removing it, and that `path` itself is not
        protected from being replaced. Raises OSError."""
        path = path.resolve()
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "is write-protected", str(path))
        probe = path.parent / f".{path.name}.tillway-probe"
        # What a crash has left here; one fixed name, so nothing can pile up.
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
