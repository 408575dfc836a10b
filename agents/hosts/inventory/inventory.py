"""The facts about this device that the dashboard gets. Nothing here raises: a fact that cannot be read is None, and `error` has
the first reason if the fact is a necessary one."""

import hashlib
import json
import logging
import platform
import ssl
from collections.abc import Callable
from itertools import islice
from typing import Any

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.certstore import roots
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.hosts.inventory import server, tls_ability
from agents.hosts.inventory.kept import Read
from agents.version import VERSION

log = logging.getLogger(__name__)

MAX_BYTES = 120_000  # the gateway takes 256 kB
MAX_TEXT = 2000
MAX_THUMBPRINTS = 300
_MIB = 1024 * 1024
_BY_NAME = ("seen", "seen_over_tls")  # facts that are tables with many rows
# The necessary facts: without them a device cannot be judged.
_NEEDED = ("scheme", "port", "host", "timeout_s", "certificates", "urlacl", "sslcert", "services")


class Inventory:
    """The inventory of one device. It is read anew each time, except what its host has cached."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host, self._clock = host, clock
        seldom = host.kept
        self._try_settings = seldom(_plain(host.try_settings_folder))
        own = {"port": _plain(host.port), "scheme": _plain(host.scheme)}
        if isinstance(host, TerminalHost):
            own |= {
                "host": _plain(lambda: host.target(None).host),
                "timeout_s": _plain(lambda: round(host.target(None).timeout_s)),
                "roots": seldom(_plain(self._roots)),
                "restart": _plain(lambda: _restart(host)),
                "touch": lambda: _touch(host),
            }
        elif isinstance(host, ServerHost):
            own |= server.readers(host, seldom, clock)
        self._readers: dict[str, Read] = {**own, **self._common()}

    async def facts(self) -> dict[str, Any]:
        """The facts as JSON; docs/agent-protocol.md lists them."""
        facts: dict[str, Any] = {"error": None}
        for name, read in self._readers.items():
            facts[name] = await self._told(name, read, facts)
        return fitted(facts)

    def _common(self) -> dict[str, Read]:
        host = self._host
        return {
            "writable": self._writable,
            "free_mb": _plain(lambda: host.files.free_bytes(host.config.state) // _MIB),
            "clock_offset_ms": _plain(lambda: self._clock.now_ms() - host.network.wall_ms()),
            "os": _plain(platform.platform),
            "tls": host.kept(_plain(self._tls)),
            "access_code": _plain(self._access_code),
            "name": _plain(lambda: host.config.name),
            "agent_version": _plain(lambda: VERSION),
        }

    async def _told(self, name: str, read: Read, facts: dict[str, Any]) -> Any:
        try:
            return await read()
        except (StepError, OSError) as error:
            if name in _NEEDED and facts["error"] is None:
                facts["error"] = str(error)
            log.info("not in the inventory: %s: %s", name, error)
        except Exception:
            log.exception("not in the inventory: %s", name)
        return None

    async def _writable(self) -> str | None:
        """None if the settings can be rewritten, else why not. A success is cached, because the check writes to the disk."""
        try:
            await self._try_settings()
        except StepError as error:
            return error.finding.message
        return None

    def _tls(self) -> list[str]:
        if isinstance(self._host, ServerHost):
            return tls_ability.versions("Server", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._host.network.limit(context)
        return tls_ability.versions("Client", context)

    def _roots(self) -> dict[str, Any]:
        found = roots.read(self._host.network.roots(self._host.config.roots))
        prints = [hashlib.sha1(der).hexdigest().upper() for der in found[:MAX_THUMBPRINTS]]
        return {"count": len(found), "thumbprints": prints}

    def _access_code(self) -> str | None:
        """A digest by which two devices can be compared, not the code itself."""
        code = self._host.reading(self._host.settings()).access_code()
        return None if code is None else hashlib.sha256(code.encode()).hexdigest()[:12]


def _restart(host: TerminalHost) -> dict[str, Any]:
    """How the profile restarts Touch."""
    return {"how": host.profile.restart.how, "limit_s": host.profile.restart.limit_s}


async def _touch(host: TerminalHost) -> dict[str, Any]:
    """Whether Touch runs, and whether it has started since its settings were changed."""
    state = await host.touch.state()
    return {"running": state.running, "since_ms": state.since_ms, "settings_changed_ms": host.settings_changed_ms()}


def _plain(read: Callable[[], Any]) -> Read:
    async def ask() -> Any:
        return read()

    return ask


def fitted(facts: dict[str, Any]) -> dict[str, Any]:
    """These facts, with long texts cut, and with the longest lists and tables shortened until all fit into one message. `cut`
    names the shortened ones."""
    facts = {name: _clipped(value) for name, value in facts.items()}
    cut: set[str] = set()
    while len(json.dumps(facts)) > MAX_BYTES:
        long = {name: value for name, value in facts.items() if value and (isinstance(value, list) or name in _BY_NAME)}
        if not long:
            return {"error": "the facts of this device do not fit into one message"}
        name = max(long, key=lambda key: len(json.dumps(long[key])))
        facts[name] = _shorter(long[name])
        cut.add(name)
    return {**facts, "cut": sorted(cut)} if cut else facts


def _shorter(value: Any) -> Any:
    """The first half of a list; the first three quarters of a table, because it has many small rows."""
    if isinstance(value, list):
        return value[: len(value) // 2]
    return dict(islice(value.items(), len(value) * 3 // 4))


def _clipped(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, dict):
        return {key: _clipped(item) for key, item in value.items()}
    return [_clipped(item) for item in value] if isinstance(value, list) else value
