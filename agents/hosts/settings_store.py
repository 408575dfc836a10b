"""Where a device's settings are kept: a file, or on Windows a registry key. Steps need not know which: both are read and
written as bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents.files import Files
from agents.hosts.registry import RegistryStore
from agents.profiles.profile import Profile


class SettingsStore(Protocol):
    """Every method raises OSError when it cannot be done."""

    @property
    def name(self) -> str:
        """The name of the file or key, for messages."""

    def read(self) -> bytes:
        """The settings as they are now."""

    def write(self, data: bytes) -> None:
        """Replace the settings by these bytes, which are the old ones with the switch changed. After a crash or a power cut
        either the old or the new settings are there."""

    def settle(self) -> None:
        """Flush what an earlier process has written to disk."""

    def try_write(self) -> None:
        """Check that write() would work, without changing the settings."""

    def changed_ms(self) -> int:
        """When the settings were last changed, by this machine's clock, in ms since 1970."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """A settings file, rewritten as a whole and atomically."""

    files: Files
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def read(self) -> bytes:
        return self.files.read(self.path)

    def write(self, data: bytes) -> None:
        self.files.write(self.path, data)

    def settle(self) -> None:
        self.files.settle(self.path)

    def try_write(self) -> None:
        self.files.try_folder(self.path)

    def changed_ms(self) -> int:
        return self.path.stat().st_mtime_ns // 1_000_000


def of(profile: Profile, path: Path | None, files: Files) -> SettingsStore:
    """The store of this profile; `path` is the settings file, if the profile's format is that of a file."""
    if profile.key is not None:
        return RegistryStore(profile, profile.key)
    if path is None:
        raise ValueError(f"a profile of format {profile.format} needs a settings file")
    return FileStore(files, path)
