"""An agent's configuration: one TOML file that the installer (or the lab) writes and an admin can read."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.protocol import Role

SERVICE = "NetPOSNet"
MONITOR = "SwiftPOSServicesMonitor"


class ConfigError(Exception):
    """The file cannot be used; the text names the key that is wrong."""


@dataclass(frozen=True, slots=True)
class Config:
    """name: the device's name; gateway: wss://host:port/agent; gateway_ca: PEM of the dashboard's CA, the
    only one trusted for the gateway; state: folder of key, identity and journal; settings: the settings
    file of Touch or NetPOS.Net; roots: PEM of the till's root store (None: the system's).
    Server only: service and monitor are Windows service names, store is the machine store's folder."""

    role: Role
    name: str
    gateway: str
    gateway_ca: Path
    state: Path
    settings: Path
    roots: Path | None = None
    service: str = SERVICE
    monitor: str = MONITOR
    store: Path | None = None


def load(path: Path) -> Config:
    """The configuration in this file. Raises ConfigError naming the key that is missing or wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    role = _text(data, "role")
    if role not in ("server", "terminal"):
        raise ConfigError("role: must be server or terminal")
    known = {"role", "name", "gateway", "gateway_ca", "state", "settings", "roots", "service", "monitor", "store"}
    if unknown := sorted(set(data) - known):
        raise ConfigError(f"{unknown[0]}: is no key of this file")
    if role == "server" and "store" not in data:
        raise ConfigError("store: is missing, a server agent needs its certificate store")
    base = path.parent
    return Config(
        role="server" if role == "server" else "terminal",
        name=_text(data, "name"),
        gateway=_text(data, "gateway"),
        gateway_ca=base / _text(data, "gateway_ca"),
        state=base / _text(data, "state"),
        settings=base / _text(data, "settings"),
        roots=base / _text(data, "roots") if "roots" in data else None,
        service=_text(data, "service", SERVICE),
        monitor=_text(data, "monitor", MONITOR),
        store=base / _text(data, "store") if "store" in data else None,
    )


def _text(data: dict[str, Any], key: str, default: object = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: is missing or no text")
    return value
