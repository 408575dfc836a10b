"""A second reader of http.sys's tables: the registry, which has no translated texts. It must agree with netsh, or the cutover
stops. Never write there: http.sys does not read it again while it runs."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

from agents.errors import StepError
from agents.hosts.netsh_text import Binding, Reservation

_PARAMETERS = r"SYSTEM\CurrentControlSet\Services\HTTP\Parameters"
_BINDINGS = ("SslBindingInfo", "SslSniBindingInfo")
_RESERVATIONS = "UrlAclInfo"
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Tables:
    """http.sys's tables."""

    hashes: dict[str, str | None]  # endpoint -> certificate hash (40 upper-case hex digits), None if it is not a hash
    urls: frozenset[str]  # reserved prefixes


def read() -> Tables | None:
    """http.sys's tables from the registry; None if there is no registry, or it lacks these keys."""
    if sys.platform != "win32":
        return None
    return read_with(importlib.import_module("winreg"))


def read_with(winreg: Any) -> Tables | None:
    """read() through this module, which is Python's winreg or behaves like it."""
    try:
        urls = frozenset(_value_names(winreg, rf"{_PARAMETERS}\{_RESERVATIONS}"))
        hashes: dict[str, str | None] = {}
        for table in _BINDINGS:
            hashes |= _hashes(winreg, rf"{_PARAMETERS}\{table}")
    except PermissionError:
        return None  # a Windows that keeps its tables elsewhere: then netsh is the only reader
    return Tables(hashes, urls) if urls or hashes else None


def compare(tables: Tables | None, port: int, bindings: tuple[Binding, ...], reservations: tuple[Reservation, ...]) -> None:
    """Raises StepError readers_disagree if only one of the two readers has a row on this port; the message names it."""
    if tables is None:
        return
    # A row of the Central Certificate Store is in another table and has no hash to compare.
    text = {(row.endpoint.lower(), row.certhash) for row in bindings if row.port == port and not row.central}
    registry = {(name.lower(), value) for name, value in tables.hashes.items() if _port(name) == port}
    urls = {row.url.lower() for row in reservations if row.port == port}
    reserved = {url for url in map(str.lower, tables.urls) if Reservation(url, None).port == port}
    differing = sorted(f"{where} {value}" for where, value in text ^ registry) + sorted(urls ^ reserved)
    if differing:
        raise StepError(
            "readers_disagree",
            f"netsh and the registry disagree on port {port}: {'; '.join(differing)[:400]}",
            "Nothing was changed. Run netsh http show sslcert and show urlacl on the server and send both to support.",
        )


def _hashes(winreg: Any, path: str) -> dict[str, str | None]:
    return {name: _hash(winreg, rf"{path}\{name}") for name in _subkeys(winreg, path)}


def _hash(winreg: Any, path: str) -> str | None:
    try:
        with _open(winreg, path) as key:
            value, _ = winreg.QueryValueEx(key, "SslCertHash")
    except FileNotFoundError:
        return None
    return value.hex().upper() if isinstance(value, bytes) and len(value) == 20 else None


def _subkeys(winreg: Any, path: str) -> list[str]:
    return _enumerated(winreg, path, winreg.EnumKey)


def _value_names(winreg: Any, path: str) -> list[str]:
    return [name for name, *_ in _enumerated(winreg, path, winreg.EnumValue)]


def _enumerated(winreg: Any, path: str, enumerate_one: Any) -> list[Any]:
    """All results of one of winreg's Enum functions, which raises OSError after the last one."""
    found: list[Any] = []
    try:
        with _open(winreg, path) as key:
            while len(found) < _MOST:
                try:
                    found.append(enumerate_one(key, len(found)))
                except OSError:
                    break
    except FileNotFoundError:
        return []
    return found


def _open(winreg: Any, path: str) -> Any:
    return winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)


def _port(endpoint: str) -> int | None:
    digits = endpoint.rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None
