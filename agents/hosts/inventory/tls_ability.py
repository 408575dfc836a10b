"""The TLS versions that this device's programs can use: on Windows according to SCHANNEL's registry keys, elsewhere
according to Python's ssl module. The agent's own requests are restricted to them."""

import importlib
import ssl
import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal

Side = Literal["Client", "Server"]

_KEY = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
# SCHANNEL's name, our name, and the first Windows build that has it enabled by default, as client and as server.
_VERSIONS: tuple[tuple[str, str, dict[Side, int]], ...] = (
    ("TLS 1.0", "TLSv1", {"Client": 0, "Server": 0}),
    ("TLS 1.1", "TLSv1.1", {"Client": 9200, "Server": 9200}),
    ("TLS 1.2", "TLSv1.2", {"Client": 9200, "Server": 9200}),
    ("TLS 1.3", "TLSv1.3", {"Client": 20348, "Server": 20348}),
)
_MODULE = (
    ("TLSv1", ssl.TLSVersion.TLSv1),
    ("TLSv1.1", ssl.TLSVersion.TLSv1_1),
    ("TLSv1.2", ssl.TLSVersion.TLSv1_2),
    ("TLSv1.3", ssl.TLSVersion.TLSv1_3),
)


def versions(side: Side, context: ssl.SSLContext) -> list[str]:
    """ "TLSv1" to "TLSv1.3", oldest first. context: used if there is no SCHANNEL. Raises OSError."""
    if sys.platform == "win32":
        return by_schannel(side, sys.getwindowsversion().build, _value)
    return by_module(context)


def limit(context: ssl.SSLContext) -> None:
    """Restrict a client's context to the versions that this device's programs can use: Python has a TLS of its own, and would
    connect to a server to which they cannot. Raises OSError."""
    if sys.platform == "win32":
        narrow(context, versions("Client", context))


def narrow(context: ssl.SSLContext, names: list[str]) -> None:
    """Allow no version newer than the newest of these. If there are none, nothing changes."""
    known = [version for name, version in _MODULE if name in names]
    if not known:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a device with old versions only must be found, too
        if context.minimum_version > max(known):
            context.minimum_version = max(known)
        context.maximum_version = max(known)


def by_schannel(side: Side, build: int, value: Callable[[str, str], int | None]) -> list[str]:
    """The versions according to the registry. value(key, name) returns a DWORD, None if it is not set; then the default of this
    Windows build counts."""
    found = []
    for name, ours, since in _VERSIONS:
        key = rf"{_KEY}\{name}\{side}"
        enabled, off = value(key, "Enabled"), value(key, "DisabledByDefault")
        by_default = build >= since[side] if off is None and enabled is None else not off
        if by_default and enabled != 0:
            found.append(ours)
    return found


def by_module(context: ssl.SSLContext) -> list[str]:
    """The versions that this context offers."""
    low, high = context.minimum_version, context.maximum_version
    return [
        name
        for name, version in _MODULE
        if (low == ssl.TLSVersion.MINIMUM_SUPPORTED or low <= version)
        and (high == ssl.TLSVersion.MAXIMUM_SUPPORTED or version <= high)
    ]


def _value(key: str, name: str) -> int | None:
    return registry_number(importlib.import_module("winreg"), key, name)


def registry_number(winreg: Any, key: str, name: str) -> int | None:
    """A DWORD under HKEY_LOCAL_MACHINE; None if it is missing or not a DWORD. Raises OSError for other failures."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, winreg.KEY_QUERY_VALUE | winreg.KEY_WOW64_64KEY) as opened:
            value, kind = winreg.QueryValueEx(opened, name)
    except FileNotFoundError:
        return None
    return int(value) if kind == winreg.REG_DWORD else None
