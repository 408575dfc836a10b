"""A terminal's probe of HTTPS before the cutover: with its own name server, root store, clock, host string and timeout. It
changes nothing, and uses no other settings than the terminal's own."""

import base64
import binascii
import ssl
import time
from collections.abc import Mapping
from typing import Any

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import asking, lookup
from agents.hosts.certstore import roots
from agents.hosts.host import TerminalHost
from agents.hosts.inventory import tls_ability
from agents.hosts.lookup import Target
from agents.protocol import Rehearsal
from agents.rehearsal.rounds import Asker, Rounds
from agents.rehearsal.wire import Measured

MAX_SAMPLES = 200
MAX_ROOTS_SENT = 20
_UNREACHABLE = ("connection_refused", "timeout", "unreachable")


class TerminalProbe:
    """One probe. ask() adds to `facts` while it works, so after a failure they contain what was seen before it."""

    def __init__(self, host: TerminalHost, clock: Clock, probe: Rehearsal, facts: dict[str, Any]) -> None:
        self.facts = facts
        self._host, self._clock, self._probe = host, clock, probe
        self._context: ssl.SSLContext | None = None

    async def ask(self) -> None:
        """Look up and measure. Raises StepError with the reason why this terminal is not ready."""
        own = self._host.target(None)
        offset_ms = self._clock.now_ms() - self._host.network.wall_ms()
        self.facts |= {"host": own.host, "port": own.port, "timeout_s": own.timeout_s, "clock_offset_ms": offset_ms}
        targets = self._targets(own)
        scheme = "https" if "https" in targets else "http"
        self._context = self._trust(targets[scheme])
        kept = {scheme: await self._cold(targets[scheme])}
        await self._measure(targets, kept)
        self._host.check_port(self._probe.port)

    def _targets(self, own: Target) -> dict[str, Target]:
        """The destinations to measure, by scheme. After a cutover there is no shadow listener, only the live port."""
        live = self._target(own, self._probe.port, tls=own.tls)
        if not self._probe.shadow_port:
            return {"https" if own.tls else "http": live}
        targets = {
            "plain": self._target(own, self._probe.plain_port, tls=False),
            "https": self._target(own, self._probe.shadow_port, tls=True),
        }
        return targets if own.tls else {**targets, "http": live}

    def _target(self, own: Target, port: int, *, tls: bool) -> Target:
        expected = self._probe.thumbprint if tls else None
        return Target(own.host, port, tls, own.timeout_s, roots=own.roots, thumbprint=expected)

    def _trust(self, shadow: Target) -> ssl.SSLContext:
        """The TLS context with the terminal's root store, for all its connections. Raises StepError roots_unreadable."""
        try:
            found = roots.issued_by(roots.read(shadow.roots), _subjects(self._probe.issuers))
            self.facts["roots"] = [roots.pem(der) for der in found[:MAX_ROOTS_SENT]]
            context = roots.context(shadow.roots)
            tls_ability.limit(context)
        except (OSError, ssl.SSLError) as error:
            message = f"the root store of this device cannot be read: {error}"
            raise StepError("roots_unreadable", message, "Check the file in the agent's configuration.") from error
        self._host.network.limit(context)
        return context

    async def _cold(self, shadow: Target) -> Measured:
        """The first lookup, as after a restart of the terminal. Returns its connection, which stays open."""
        asker, begun = self._asker(), time.perf_counter()
        connection = asker.connect(shadow, None)
        try:
            with lookup.explaining(shadow):
                await connection.open()
            lookup.compare(shadow, connection.thumbprint)
            await asker.ask(connection, shadow)
            self.facts["cold_ms"] = round((time.perf_counter() - begun) * 1000, 2)
            if self.facts["cold_ms"] > shadow.timeout_s * 1000:
                raise _slow(shadow, self.facts["cold_ms"])
        except StepError as error:
            await connection.close()
            raise _at_shadow(error, self._probe.shadow_port) from error
        except BaseException:
            await connection.close()
            raise
        finally:
            self.facts |= _seen(connection)
        return connection

    async def _measure(self, targets: Mapping[str, Target], kept: Mapping[str, Measured]) -> None:
        rounds = Rounds(self._asker(), targets, kept)
        try:
            await rounds.run(min(self._probe.samples, MAX_SAMPLES), max(self._probe.pace_ms, 0) / 1000)
        finally:
            self.facts |= rounds.facts()
            await rounds.close()

    def _asker(self) -> Asker:
        return Asker(self._connect, asking.question(self._host, self._probe, "member"))

    def _connect(self, target: Target, session: ssl.SSLSession | None) -> Measured:
        tls = self._context if target.tls else None
        network = self._host.network
        return Measured(target.host, target.port, tls=tls, network=network, timeout_s=target.timeout_s, session=session)


def _seen(connection: Measured) -> dict[str, Any]:
    """The facts of this connection, also if it failed on the way."""
    wire = connection.wire
    times = {"dns_ms": round(wire.dns_ms, 2), "tcp_ms": round(wire.tcp_ms, 2), "tls_ms": round(wire.tls_ms, 2)}
    ends = {"address": wire.address or None, "own_address": wire.own_address or None}
    return {**ends, **times, "tls": connection.tls_version, "thumbprint": connection.thumbprint}


def _subjects(issuers: tuple[str, ...]) -> set[bytes]:
    subjects = set()
    for text in issuers:
        try:
            subjects.add(base64.b64decode(text, validate=True))
        except binascii.Error:
            continue
    return subjects


def _at_shadow(error: StepError, port: int) -> StepError:
    """The finding for a failure that concerns only the spare port: most likely a firewall, and not a fault of the site."""
    finding = error.finding
    if not port or finding.code not in _UNREACHABLE:
        return error
    # On Windows http.sys listens, so a firewall rule for the agent's program does not help.
    where = f"The rehearsal uses port {port} of the server: allow it in its firewall (there it is the program System)."
    remedy = f"{finding.remedy} {where}"
    return StepError(finding.code, finding.message, remedy, retryable=error.retryable)


def _slow(target: Target, ms: float) -> StepError:
    return StepError(
        "slow_first_contact",
        f"{target.where}: the first lookup took {ms / 1000:.1f} s, but this device waits only {target.timeout_s:.0f} s",
        "Let the server send the whole chain; look for a slow name server or revocation check.",
    )
