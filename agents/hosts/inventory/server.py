"""The facts that only a server has: http.sys's tables, services, certificates, and who uses the port."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import netsh, sc, spare_binding
from agents.hosts.certstore import store
from agents.hosts.host import ServerHost
from agents.hosts.inventory import access_log, sockets
from agents.hosts.netsh_text import Reservation

MAX_PEERS = 200
MAX_KEYS_TRIED = 20

Read = Callable[[], Awaitable[Any]]


def readers(host: ServerHost, seldom: Callable[[Read], Read], clock: Clock) -> dict[str, Read]:
    """Fact -> function that reads it and raises StepError or OSError. seldom: wraps functions whose result may be cached."""
    look = _Look(host, seldom)
    log = host.config.access_log
    return {
        "certificates": look.certificates,
        "urlacl": look.reservations,
        "sslcert": look.bindings,
        "services": look.services,
        "service": look.service,
        "recovery": seldom(look.recovery),
        "iplisten": seldom(look.iplisten),
        "peers": look.peers,
        "owner": seldom(look.owner),
        **({"seen": _seen(log, clock), "seen_over_tls": _seen_over_tls(log, clock)} if log else {}),
    }


class _Look:
    """Reads the facts. Peers are collected as long as the agent runs, because a terminal that asks now and then may not be
    connected at the moment of one look."""

    def __init__(self, host: ServerHost, seldom: Callable[[Read], Read]) -> None:
        self._host = host
        self._name = host.config.service
        self._seen: dict[str, int] = {}
        self._dependents = seldom(lambda: sc.dependents(self._name))

    async def certificates(self) -> list[dict[str, Any]]:
        # In a thread, because some keys are in hardware that signs slowly.
        return await asyncio.to_thread(store.certificates, self._host.config.store, MAX_KEYS_TRIED)

    async def reservations(self) -> list[dict[str, Any]]:
        """A row on the port that a cutover could not move and bring back says why in `refused`."""
        rows = await netsh.reservations()
        try:
            port = self._host.port()
        except StepError:
            port = None  # the inventory reports that separately
        return [dataclasses.asdict(row) | (await _refused(row) if row.port == port else {}) for row in rows]

    async def bindings(self) -> list[dict[str, Any]]:
        """`rehearsal` marks the row of a rehearsal in progress: it is not a misconfiguration."""
        own = spare_binding.recorded(self._host.config.state)
        mark = {"rehearsal": True}
        rows = await netsh.all_bindings()
        return [dataclasses.asdict(row) | (mark if own and netsh.same(row, own) else {}) for row in rows]

    async def iplisten(self) -> list[str]:
        return list(await netsh.iplisten())

    async def services(self) -> list[dict[str, Any]]:
        return [await _state(name) for name in (self._name, self._host.config.monitor)]

    async def service(self) -> dict[str, Any]:
        return {**await _state(self._name), "dependents": list(await self._dependents())}

    async def recovery(self) -> dict[str, Any]:
        return {"restarts": await sc.restarts_by_itself(self._name)}

    async def peers(self) -> list[dict[str, Any]]:
        for address, count in (await sockets.at(self._host.port())).peers.items():
            if address in self._seen or len(self._seen) < MAX_PEERS:
                self._seen[address] = max(count, self._seen.get(address, 0))
        return [{"address": address, "connections": count} for address, count in self._seen.items()]

    async def owner(self) -> dict[str, Any] | None:
        """The program that listens at the port, if it is neither http.sys nor the service itself."""
        listeners = (await sockets.at(self._host.port())).listeners
        found = [sockets.process(listener) for listener in listeners]
        others = [pid for pid in found if pid is not None and pid != sockets.SYSTEM_PID]
        if not others or await sc.process(self._name) in others:
            return None
        return {"pid": others[0], "program": await sockets.program_of(others[0])}


def _seen(log: Path, clock: Clock) -> Read:
    # By this machine's clock, because the log's times are from it.
    return lambda: asyncio.to_thread(access_log.seen, log, clock.offset_ms())


async def _refused(row: Reservation) -> dict[str, str]:
    why = await netsh.why_not_moved(row)
    return {"refused": why} if why else {}


async def _state(name: str) -> dict[str, Any]:
    state, kind = (await sc.query(name)).state, await sc.start_type(name)
    return {"name": name, "state": {1: "stopped", 4: "running"}.get(state, "pending"), "start_type": kind}


def _seen_over_tls(log: Path, clock: Clock) -> Read:
    return lambda: asyncio.to_thread(access_log.seen_over_tls, log, clock.offset_ms())
