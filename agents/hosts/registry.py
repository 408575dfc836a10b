"""Settings in the Windows registry. Keys are opened in the 64-bit view, so a profile names them as regedit shows
them, including WOW6432Node."""

import errno
import importlib
from dataclasses import dataclass
from typing import Any

from agents.profiles import registry_text
from agents.profiles.profile import Profile
from agents.winapi import dll

_HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS"}


@dataclass(frozen=True, slots=True)
class RegistryStore:
    """The values below the profile's key. Only the switch is ever written."""

    profile: Profile
    key: str

    @property
    def name(self) -> str:
        return self.key

    def read(self) -> bytes:
        names = (self.profile.switch.at, self.profile.port, self.profile.host, self.profile.timeout, self.profile.access_code)
        values = {name: self._value(name) for name in names if name}
        # A missing value is left out of the snapshot, so that the error of reading it names it.
        return registry_text.dump({name: value for name, value in values.items() if value is not None})

    def write(self, data: bytes) -> None:
        winreg, name = _winreg(), self.profile.switch.at
        value = registry_text.load(data)[name]
        with self._open(name, winreg.KEY_SET_VALUE | winreg.KEY_QUERY_VALUE) as key:
            # Windows writes one value atomically. The flush makes it survive a power cut.
            winreg.SetValueEx(key, _last(name), 0, winreg.REG_DWORD if isinstance(value, int) else winreg.REG_SZ, value)
            winreg.FlushKey(key)

    def settle(self) -> None:
        winreg = _winreg()
        with self._open(self.profile.switch.at, winreg.KEY_QUERY_VALUE) as key:
            winreg.FlushKey(key)

    def try_write(self) -> None:
        winreg = _winreg()
        with self._open(self.profile.switch.at, winreg.KEY_SET_VALUE):
            pass  # it is enough that the key can be opened for writing

    def changed_ms(self) -> int:
        winreg = _winreg()
        with self._open(self.profile.switch.at, winreg.KEY_READ) as key:
            # Windows keeps one time for each key, not for each value.
            return dll.to_ms(int(winreg.QueryInfoKey(key)[2]))

    def _value(self, name: str) -> str | int | None:
        winreg = _winreg()
        try:
            with self._open(name, winreg.KEY_QUERY_VALUE) as key:
                value, kind = winreg.QueryValueEx(key, _last(name))
        except FileNotFoundError:
            return None
        if kind not in (winreg.REG_SZ, winreg.REG_DWORD):
            raise OSError(errno.EINVAL, f"{name} is neither REG_SZ nor REG_DWORD")
        return int(value) if kind == winreg.REG_DWORD else str(value)

    def _open(self, name: str, rights: int) -> Any:
        winreg = _winreg()
        hive, _, path = "\\".join((self.key, name)).rpartition("\\")[0].partition("\\")
        return winreg.OpenKey(getattr(winreg, _HIVES[hive.upper()]), path, 0, rights | winreg.KEY_WOW64_64KEY)


def _last(name: str) -> str:
    return name.rpartition("\\")[2]


def _winreg() -> Any:
    """Python's registry module. Raises OSError on other systems, which do not have it."""
    try:
        return importlib.import_module("winreg")
    except ImportError as error:
        raise OSError(errno.ENOSYS, "a registry can only be read on Windows") from error
