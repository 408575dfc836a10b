"""Which TLS versions the programs of this device can speak: on Windows by SCHANNEL's registry keys, elsewhere by
Python's ssl module. What the agent asks a server for is limited to them."""

import importlib
import ssl
import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal

Side = Literal["Client", "Server"]

_KEY = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
# SCHANNEL's name, ours, and the first Windows build that speaks it without being told to, as client and as server.
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
    """ "TLSv1" to "TLSv1.3", oldest first. context: for where there is no SCHANNEL. Raises OSError."""
    if sys.platform == "win32":
        return by_schannel(side, sys.getwindowsversion().build, _value)
    return by_module(context)


def limit(context: ssl.SSLContext) -> None:
    """Let a client's context speak no newer version than this device's programs can: Python has its own TLS, and would
    see a server that they do not. Raises OSError."""
    if sys.platform == "win32":
        narrow(context, versions("Client", context))


def narrow(context: ssl.SSLContext, names: list[str]) -> None:
    """No newer version than the newest of these; none of them changes nothing."""
    known = [version for name, version in _MODULE if name in names]
    if not known:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a device that speaks old versions only is to be found out
        if context.minimum_version > max(known):
            context.minimum_version = max(known)
        context.maximum_version = max(known)


def by_schannel(side: Side, build: int, value: Callable[[str, str], int | None]) -> list[str]:
    """From the keys: value(key, name) is a DWORD, None where it is not set. What the registry does not say is as this
    Windows' build has it."""
    found = []
    for name, ours, since in _VERSIONS:
        key = rf"{_KEY}\{name}\{side}"
        enabled, off = value(key, "Enabled"), value(key, "DisabledByDefault")
        by_default = build >= since[side] if off is None and enabled is None else not off
        if by_default and enabled != 0:
            found.append(ours)
    return found


def by_module(context: ssl.SSLContext) -> list[str]:
    """What this context offers."""
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
    """A DWORD under HKEY_LOCAL_MACHINE; None where it is missing or something else. Raises OSError for others."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, winreg.KEY_QUERY_VALUE | winreg.KEY_WOW64_64KEY) as opened:
            value, kind = winreg.QueryValueEx(opened, name)
    except FileNotFoundError:
        return None
    return int(value) if kind == winreg.REG_DWORD else None
