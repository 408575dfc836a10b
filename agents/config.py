"""An agent's configuration: one TOML file that the installer (or the lab) writes and an admin can read. A second file beside
it, found.toml, has what a person has confirmed on the Site page; it counts only where the first one says nothing."""

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.profiles import validator
from agents.profiles.profile import Profile, ProfileError
from agents.protocol import Role

SERVICE = "NetPOSNet"
MONITOR = "SwiftPOSServicesMonitor"
_KEYS = frozenset((
    "role", "name", "gateway", "gateway_ca", "state", "settings", "profile", "roots", "service", "monitor", "store",
    "access_log",
))  # fmt: skip
FOUND = "found.toml"  # beside the configuration
_CONFIRMABLE: dict[Role, tuple[str, ...]] = {"server": ("service", "monitor", "settings"), "terminal": ("settings",)}


class ConfigError(Exception):
    """The file cannot be used; the text names the key that is wrong."""


@dataclass(frozen=True, slots=True)
class Config:
    """The agent's configuration, checked."""

    role: Role
    name: str  # the device's name
    gateway: str  # wss://host:port/agent
    gateway_ca: Path  # PEM file with the dashboard's CA, the only one that is trusted for the gateway
    state: Path  # folder of key, identity and journal
    settings: Path | None  # the settings file of Touch or NetPOS.Net; None if the profile names a registry key
    roots: Path | None = None  # PEM file with the roots that a terminal trusts; None: the system's store
    service: str = SERVICE  # the server's Windows service
    monitor: str = MONITOR  # the server's Services Monitor, also a Windows service
    store: Path | None = None  # server: a folder instead of the machine's certificate store; None: Windows' own
    profile: Profile | None = None  # how to read the settings; None: the built-in profile
    access_log: Path | None = None  # server: where it logs its responses, if it does (docs/agent-protocol.md)
    file: Path | None = None  # the file that it was read from
    said: frozenset[str] = frozenset()  # the keys that this file says, not found.toml


def confirmable(role: Role) -> tuple[str, ...]:
    """The keys that a person may confirm on the Site page."""
    return _CONFIRMABLE[role]


def load(path: Path, *, settings_needed: bool = True) -> Config:
    """The configuration in this file. settings_needed: whether it must say where the settings are. Raises ConfigError naming
    the key that is missing or wrong."""
    data = _toml(path)
    role = _text(data, "role")
    if role not in ("server", "terminal"):
        raise ConfigError("role: must be server or terminal")
    if unknown := sorted(set(data) - _KEYS):
        raise ConfigError(f"{unknown[0]}: is not a known key")
    if role == "server" and "store" not in data and sys.platform != "win32":
        raise ConfigError("store: is missing, a server agent needs its certificate store")
    if role == "terminal" and "access_log" in data:
        raise ConfigError("access_log: must be left out, only a server's agent reads it")
    base, said = path.parent, frozenset(data)
    data = {**found(base, "server" if role == "server" else "terminal"), **data}
    profile = _profile(base / _text(data, "profile"), role) if "profile" in data else None
    return Config(
        role="server" if role == "server" else "terminal",
        name=_text(data, "name"),
        gateway=_text(data, "gateway"),
        gateway_ca=base / _text(data, "gateway_ca"),
        state=base / _text(data, "state"),
        settings=_settings(data, base, profile) if settings_needed or "settings" in data else None,
        roots=base / _text(data, "roots") if "roots" in data else None,
        service=_text(data, "service", SERVICE),
        monitor=_text(data, "monitor", MONITOR),
        store=base / _text(data, "store") if "store" in data else None,
        profile=profile,
        access_log=base / _text(data, "access_log") if "access_log" in data else None,
        file=path,
        said=said,
    )


def found(folder: Path, role: Role) -> dict[str, str]:
    """What a person has confirmed for the agent in this folder. Raises ConfigError."""
    path = folder / FOUND
    if not path.exists():
        return {}
    data = _toml(path)
    for key in data:
        if key not in confirmable(role):
            raise ConfigError(f"{path}: {key}: is not a key that is confirmed for a {role}; delete the line, or the file")
        _text(data, key)
    return data


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _profile(path: Path, role: str) -> Profile:
    try:
        profile = validator.load(path)
    except ProfileError as error:
        raise ConfigError(f"profile: {path}: {error}") from error
    if profile.role != role:
        raise ConfigError(f"profile: {path} is for a {profile.role}, this agent's role is {role}")
    return profile


def _settings(data: dict[str, Any], base: Path, profile: Profile | None) -> Path | None:
    """The settings file from the configuration, else the one from the profile."""
    if profile is not None and profile.format == "registry":
        if "settings" in data:
            raise ConfigError("settings: must be left out, the profile names a registry key")
        return None
    return base / _text(data, "settings") if profile is None or "settings" in data else profile.file


def _text(data: dict[str, Any], key: str, default: object = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: is missing or not a text")
    return value
