"""Rehearsals on this device: takes the dashboard's orders one at a time, and queues the answers. A rehearsal never delays a
cutover: it ends as soon as a cutover's instruction comes."""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from agents import protocol
from agents.bounds import MAX_ANSWER_BYTES
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import spare_binding
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.identity import Identity
from agents.protocol import Finding, Inventory, Rehearsal, Rehearsed
from agents.rehearsal.probe import TerminalProbe
from agents.rehearsal.shadow import Shadow
from agents.rehearsal.shadow_httpsys import HttpSysShadow
from agents.rehearsal.shadow_openssl import OpenSslShadow

log = logging.getLogger(__name__)

TELL_LIMIT_S = 10.0
# The listener must be of the same kind as the one of the live port, which on Windows is http.sys.
KIND: type[HttpSysShadow] | type[OpenSslShadow] = HttpSysShadow if sys.platform == "win32" else OpenSslShadow
Told = Callable[[], Awaitable[dict[str, Any]]]
_NOTHING_DONE = "Nothing was done on this device; rehearse again."


class Rehearsals:
    """Takes orders, and keeps answers until they are sent."""

    def __init__(
        self, host: Host, identity: Identity, clock: Clock, busy: Callable[[], bool], inventory: Told | None = None
    ) -> None:
        """busy(): whether a cutover is in progress here. inventory(): the facts about this device. They are read anew for each
        rehearsal and sent before the answer, so that the dashboard judges the rehearsal by the device as it was then."""
        self._host, self._identity, self._clock, self._busy = host, identity, clock, busy
        self._inventory = inventory
        self._now: tuple[Rehearsal, asyncio.Task[None]] | None = None
        self._last: tuple[str, Rehearsed] | None = None
        self._shadow: Shadow | None = None
        self._expiry: asyncio.Task[None] | None = None
        self.answers: asyncio.Queue[Rehearsed | Inventory] = asyncio.Queue()

    def take(self, message: protocol.Rehearse) -> None:
        """Take an order. One that the dashboard has not signed, or that is for another device, is ignored, because nobody waits
        for an answer to it."""
        try:
            probe = protocol.parse_rehearsal(message.body)
        except protocol.ProtocolError as error:
            log.error("a rehearsal cannot be read: %s", error)
            return
        if not self._identity.is_order("a rehearsal", probe.agent, message.body, message.signature):
            return
        if self._last is not None and self._last[0] == message.body:
            self.answers.put_nowait(self._last[1])  # sent twice: the answer may have been lost with a connection
        elif self._now is None or self._now[0] != probe:
            self._begin(probe, message.body)

    def give_way(self) -> None:
        """A cutover begins here: end the rehearsal with the answer `busy`, and close the shadow listener."""
        self._last = None
        if self._now is not None:
            probe = self._now[0]
            self._end_task()
            self._answer(probe, {}, _BUSY)
        if self._shadow is not None:
            self._shadow.shut()

    async def sweep(self) -> None:
        """Delete the binding that an agent left in http.sys's tables if it died during a rehearsal. Never raises."""
        if not isinstance(self._host, ServerHost):
            return
        state = self._host.config.state
        try:
            if spare_binding.recorded(state) is not None:
                await spare_binding.remove(state, self._host.port())
        except (StepError, OSError) as error:
            log.warning("the binding of an earlier rehearsal could not be deleted yet: %s", error)

    async def stop(self) -> None:
        """End everything; never raises."""
        self._end_task()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._shadow is not None:
            await self._shadow.close()

    # --- one order -----------------------------------------------------------------------------------

    def _begin(self, probe: Rehearsal, body: str) -> None:
        self._end_task()  # a newer order replaces an older one, whose answer is no longer needed
        if refusal := self._refusal(probe):
            self._answer(probe, {}, refusal)
            return
        self._now = probe, asyncio.create_task(self._work(probe, body))

    def _end_task(self) -> None:
        if self._now is not None:
            self._now[1].cancel()
            self._now = None

    def _refusal(self, probe: Rehearsal) -> Finding | None:
        wanted = TerminalHost if probe.action == "ask" else ServerHost
        if not isinstance(self._host, wanted):
            message = f"a {self._host.config.role} has no part `{probe.action}` in a rehearsal"
            return Finding("wrong_action", message, _NOTHING_DONE)
        if self._clock.now_ms() > probe.expires_ms:
            return Finding("expired", "the rehearsal expired before it could start", _NOTHING_DONE)
        # `close` is always accepted, because it frees what a rehearsal has used.
        return _BUSY if probe.action != "close" and self._busy() else None

    async def _work(self, probe: Rehearsal, body: str) -> None:
        facts: dict[str, Any] = {}
        finding = None
        try:
            async with asyncio.timeout(self._left_s(probe)):
                await self._carry_out(probe, facts)
        except StepError as error:
            finding = error.finding
        except TimeoutError:
            finding = Finding("expired", "the rehearsal did not finish in time on this device", _AGAIN)
        except Exception as error:
            log.exception("a rehearsal failed")
            finding = Finding("rehearsal_failed", f"{type(error).__name__}: {error}", "Check this agent's log.")
        await self._tell(probe)
        self._now = None
        self._last = body, self._answer(probe, facts, finding)

    def _answer(self, probe: Rehearsal, facts: dict[str, Any], finding: Finding | None) -> Rehearsed:
        log.info("rehearsal %s, %s: %s", probe.rehearsal, probe.action, finding.code if finding else "no finding")
        answer = Rehearsed(probe.rehearsal, probe.action, facts, finding)
        if len(protocol.dump(answer)) > MAX_ANSWER_BYTES:
            large = Finding(
                "answer_too_large", "the result of this device does not fit into one message", "Report this to support."
            )
            answer = Rehearsed(probe.rehearsal, probe.action, {}, finding or large)
        self.answers.put_nowait(answer)
        return answer

    def _left_s(self, probe: Rehearsal) -> float:
        return max(probe.expires_ms - self._clock.now_ms(), 0) / 1000

    # --- the three actions ---------------------------------------------------------------------------

    async def _carry_out(self, probe: Rehearsal, facts: dict[str, Any]) -> None:
        """Carry out the action; adds to `facts` meanwhile. Raises StepError."""
        if isinstance(self._host, TerminalHost):
            # If the whole fleet probed in one moment, it would measure its own load.
            await asyncio.sleep(random.uniform(0, max(probe.spread_ms, 0)) / 1000)  # noqa: S311
            await TerminalProbe(self._host, self._clock, probe, facts).ask()
        elif isinstance(self._host, ServerHost) and probe.action == "open":
            facts |= await self._open(self._host, probe)
        else:
            facts |= await self._close(probe)

    async def _tell(self, probe: Rehearsal) -> None:
        """Send the inventory, also if the action failed. It is read after the action, so that it does not disturb a
        measurement."""
        if self._inventory is None or probe.action == "close":
            return
        self._host.kept.forget()
        try:
            async with asyncio.timeout(TELL_LIMIT_S):
                self.answers.put_nowait(Inventory(await self._inventory()))
        except TimeoutError:
            log.warning("rehearsal %s: the inventory of this device took longer than %s s", probe.rehearsal, TELL_LIMIT_S)

    async def _open(self, host: ServerHost, probe: Rehearsal) -> dict[str, Any]:
        if self._shadow is not None:
            await self._shadow.close()
        self._shadow = shadow = KIND(host, probe)
        await shadow.open()
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.create_task(self._expire(shadow))
        return shadow.facts

    async def _expire(self, shadow: Shadow) -> None:
        await asyncio.sleep(self._left_s(shadow.probe))
        log.info("rehearsal %s has expired: its listener closes", shadow.probe.rehearsal)
        await shadow.close()

    async def _close(self, probe: Rehearsal) -> dict[str, Any]:
        shadow = self._shadow
        if shadow is None or shadow.probe.rehearsal != probe.rehearsal:
            return {"handshakes": 0, "lookups": 0}  # this agent was restarted since
        await shadow.close()
        return shadow.counts


_AGAIN = "Rehearse again when the network and the server are less busy."
_BUSY = Finding("busy", "a cutover is in progress on this device", "Rehearse when it has ended.")
