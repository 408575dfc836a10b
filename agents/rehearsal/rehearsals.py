"""Rehearsals on this device: which order is taken, one at a time, and the answers that wait to be sent. Beside the
runner and never in its way: as soon as a cutover's instruction comes, a rehearsal ends."""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from agents import protocol
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

MAX_ANSWER_BYTES = 128 * 1024
TELL_LIMIT_S = 10.0
# What the live port will serve with, which on Windows is http.sys.
KIND: type[HttpSysShadow] | type[OpenSslShadow] = HttpSysShadow if sys.platform == "win32" else OpenSslShadow
Told = Callable[[], Awaitable[dict[str, Any]]]
_NOTHING_DONE = "Nothing was done on this device; rehearse again."


class Rehearsals:
    """Takes orders and keeps answers until they are sent. busy(): whether a cutover is under way here; inventory(): what
    this device looks like. It is read anew for each rehearsal and sent before the answer, so that who judges the rehearsal
    judges by the device as it was then."""

    def __init__(
        self, host: Host, identity: Identity, clock: Clock, busy: Callable[[], bool], inventory: Told | None = None
    ) -> None:
        self._host, self._identity, self._clock, self._busy = host, identity, clock, busy
        self._inventory = inventory
        self._now: tuple[Rehearsal, asyncio.Task[None]] | None = None
        self._last: tuple[str, Rehearsed] | None = None
        self._shadow: Shadow | None = None
        self._expiry: asyncio.Task[None] | None = None
        self.answers: asyncio.Queue[Rehearsed | Inventory] = asyncio.Queue()

    def take(self, message: protocol.Rehearse) -> None:
        """An order from the dashboard. What is not signed by it, or not for this device, is passed over: nobody waits
        for an answer to it."""
        try:
            probe = protocol.parse_rehearsal(message.body)
        except protocol.ProtocolError as error:
            log.error("a rehearsal cannot be read: %s", error)
            return
        known = self._identity.known
        if not self._identity.verify(message.body, message.signature):
            log.error("a rehearsal is not signed by the dashboard")
        elif known is None or probe.agent != known.agent:
            log.error("a rehearsal is for another agent")
        elif self._last is not None and self._last[0] == message.body:
            self.answers.put_nowait(self._last[1])  # doubled: its answer may have been lost with a connection
        elif self._now is None or self._now[0] != probe:
            self._begin(probe, message.body)

    def give_way(self) -> None:
        """A cutover begins here: what is under way is answered with `busy`, and the shadow listener ends."""
        self._last = None
        if self._now is not None:
            probe = self._now[0]
            self._end_task()
            self._answer(probe, {}, _BUSY)
        if self._shadow is not None:
            self._shadow.shut()

    async def sweep(self) -> None:
        """Take away what a rehearsal of an agent that died has left in http.sys's tables; never raises."""
        if not isinstance(self._host, ServerHost):
            return
        state = self._host.config.state
        try:
            if spare_binding.recorded(state) is not None:
                await spare_binding.remove(state, self._host.port())
        except (StepError, OSError) as error:
            log.warning("a rehearsal's binding is left from before, and stays for now: %s", error)

    async def stop(self) -> None:
        """End everything; never raises."""
        self._end_task()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._shadow is not None:
            await self._shadow.close()

    # --- one order -----------------------------------------------------------------------------------

    def _begin(self, probe: Rehearsal, body: str) -> None:
        self._end_task()  # a newer one replaces an older one, whose answer nobody wants any more
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
            message = f"a {self._host.config.role} cannot do the part `{probe.action}` of a rehearsal"
            return Finding("wrong_action", message, _NOTHING_DONE)
        if self._clock.now_ms() > probe.expires_ms:
            return Finding("expired", "the rehearsal's time was over before it could begin", _NOTHING_DONE)
        # An end is always good: it gives back what a rehearsal has taken.
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
            finding = Finding("expired", "the rehearsal's time was over before this device was through", _AGAIN)
        except Exception as error:
            log.exception("a rehearsal failed")
            finding = Finding("rehearsal_failed", f"{type(error).__name__}: {error}", "Look into this agent's log.")
        await self._tell(probe)
        self._now = None
        self._last = body, self._answer(probe, facts, finding)

    def _answer(self, probe: Rehearsal, facts: dict[str, Any], finding: Finding | None) -> Rehearsed:
        log.info("rehearsal %s, %s: %s", probe.rehearsal, probe.action, finding.code if finding else "well")
        answer = Rehearsed(probe.rehearsal, probe.action, facts, finding)
        if len(protocol.dump(answer)) > MAX_ANSWER_BYTES:
            large = Finding("answer_too_large", "this device has seen more than fits into one message", "Tell support.")
            answer = Rehearsed(probe.rehearsal, probe.action, {}, finding or large)
        self.answers.put_nowait(answer)
        return answer

    def _left_s(self, probe: Rehearsal) -> float:
        return max(probe.expires_ms - self._clock.now_ms(), 0) / 1000

    # --- the three actions ---------------------------------------------------------------------------

    async def _carry_out(self, probe: Rehearsal, facts: dict[str, Any]) -> None:
        """Do it; `facts` grows meanwhile. Raises StepError."""
        if isinstance(self._host, TerminalHost):
            # A fleet that looks in one moment would measure itself.
            await asyncio.sleep(random.uniform(0, max(probe.spread_ms, 0)) / 1000)  # noqa: S311
            await TerminalProbe(self._host, self._clock, probe, facts).ask()
        elif isinstance(self._host, ServerHost) and probe.action == "open":
            facts |= await self._open(self._host, probe)
        else:
            facts |= await self._close(probe)

    async def _tell(self, probe: Rehearsal) -> None:
        """Also where the look has failed, and after it: a till that measures is not to be disturbed."""
        if self._inventory is None or probe.action == "close":
            return
        self._host.kept.forget()
        try:
            async with asyncio.timeout(TELL_LIMIT_S):
                self.answers.put_nowait(Inventory(await self._inventory()))
        except TimeoutError:
            log.warning("rehearsal %s: this device could not be looked at within %s s", probe.rehearsal, TELL_LIMIT_S)

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
        log.info("rehearsal %s has come to its time: its listener ends", shadow.probe.rehearsal)
        await shadow.close()

    async def _close(self, probe: Rehearsal) -> dict[str, Any]:
        shadow = self._shadow
        if shadow is None or shadow.probe.rehearsal != probe.rehearsal:
            return {"handshakes": 0, "lookups": 0}  # this agent was started anew since
        await shadow.close()
        return shadow.counts


_AGAIN = "Rehearse again, when the network and the server are less busy."
_BUSY = Finding("busy", "a cutover is under way on this device", "Rehearse when it has ended.")
