"""An agent's configuration: one TOML file that the installer (or the lab) writes and an admin can read."""

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


class ConfigError(Exception):
    """The file cannot be used; the text names the key that is wrong."""


@dataclass(frozen=True, slots=True)
class Config:
    """name: the device's name; gateway: wss://host:port/agent; gateway_ca: PEM of the dashboard's CA, the
    only one trusted for the gateway; state: folder of key, identity and journal; settings: the settings
    file of Touch or NetPOS.Net, None where the profile names a registry key; profile: what to find there, None
    for the built-in one; roots: PEM of the till's root store (None: the system's).
    Server only: service and monitor are Windows service names; store is a folder in place of the machine's
    certificate store, None for Windows' own; access_log is where the server writes down what it answered
    (docs/agent-protocol.md says how), None where it does not."""

    role: Role
    name: str
    gateway: str
    gateway_ca: Path
    state: Path
    settings: Path | None
    roots: Path | None = None
    service: str = SERVICE
    monitor: str = MONITOR
    store: Path | None = None
    profile: Profile | None = None
    access_log: Path | None = None


def load(path: Path) -> Config:
    """The configuration in this file. Raises ConfigError naming the key that is missing or wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    role = _text(data, "role")
    if role not in ("server", "terminal"):
        raise ConfigError("role: must be server or terminal")
    if unknown := sorted(set(data) - _KEYS):
        raise ConfigError(f"{unknown[0]}: is no key of this file")
    if role == "server" and "store" not in data and sys.platform != "win32":
        raise ConfigError("store: is missing, a server agent needs its certificate store")
    if role == "terminal" and "access_log" in data:
        raise ConfigError("access_log: must be left out, only a server's agent reads one")
    base = path.parent
    profile = _profile(base / _text(data, "profile"), role) if "profile" in data else None
    return Config(
        role="server" if role == "server" else "terminal",
        name=_text(data, "name"),
        gateway=_text(data, "gateway"),
        gateway_ca=base / _text(data, "gateway_ca"),
        state=base / _text(data, "state"),
        settings=_settings(data, base, profile),
        roots=base / _text(data, "roots") if "roots" in data else None,
        service=_text(data, "service", SERVICE),
        monitor=_text(data, "monitor", MONITOR),
        store=base / _text(data, "store") if "store" in data else None,
        profile=profile,
        access_log=base / _text(data, "access_log") if "access_log" in data else None,
    )


def _profile(path: Path, role: str) -> Profile:
    try:
        profile = validator.load(path)
    except ProfileError as error:
        raise ConfigError(f"profile: {path}: {error}") from error
    if profile.role != role:
        raise ConfigError(f"profile: {path} is for a {profile.role}, this agent's role is {role}")
    return profile


def _settings(data: dict[str, Any], base: Path, profile: Profile | None) -> Path | None:
    """The file of this device; where the configuration names none, the one that the profile names."""
    if profile is not None and profile.format == "registry":
        if "settings" in data:
            raise ConfigError("settings: must be left out, the profile names a registry key")
        return None
    return base / _text(data, "settings") if profile is None or "settings" in data else profile.file


def _text(data: dict[str, Any], key: str, default: object = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: is missing or no text")
    return value
