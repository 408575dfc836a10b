"""The dead man's switch: what an agent does when it has not heard from the dashboard for longer than its lease. Devices that
cannot reach each other cannot agree, so nothing here needs an agreement: the server decides by itself which scheme it speaks,
and every terminal follows the scheme that the server really speaks (docs/reliability.md says what that guarantees).

A terminal does not change to plain HTTP while the server answers with TLS, whether it trusts the certificate or not. It goes
back to HTTP only to undo a switch that is in its own journal."""

import asyncio
import dataclasses
import logging
import random
import time

from agents import catalogue
from agents.errors import StepError
from agents.hosts import asking, sc, sc_text
from agents.hosts.host import ServerHost, TerminalHost
from agents.log import said
from agents.protocol import Finding, Instruction, Scheme
from agents.runner import GLANCE_S, Runner
from agents.storage.ledger import ALONE

log = logging.getLogger(__name__)

LOOK_S = 1.0
PROBE_S = 4.0  # between two checks of the server by a terminal
LEASE_S = 30.0  # until the first instruction, which brings a lease
PATIENCE_S = 20.0  # how long a switched server may be silent before it is put back
WATCH_S = 120.0  # how long a server watches itself after its cutover was confirmed

# The finding codes of a TLS client if the server does not speak TLS on this port. The codes for a refused certificate are not
# among them: there the server speaks TLS, and falling back to HTTP would help an attacker in between.
NO_TLS = frozenset({"tls_refused", "lookup_failed", "connection_refused", "timeout"})


class DeadMan:
    """One per agent, beside its runner."""

    def __init__(self, runner: Runner) -> None:
        self.runner, self.host, self.journal = runner, runner.host, runner.journal
        self._answered_at = time.monotonic()

    async def run(self) -> None:
        """Check once a second, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.runner.idle:
                self._answered_at = time.monotonic()
                continue
            try:
                await (self._terminal() if isinstance(self.host, TerminalHost) else self._server())
            except StepError as error:
                log.warning("on its own: %s", error)

    @property
    def lease_over(self) -> bool:
        """Whether the dashboard has been silent for too long."""
        last = self.journal.ledger.last
        lease_s = last.lease_ms / 1000 if last else LEASE_S
        return time.monotonic() - self.runner.heard_at > lease_s

    # --- the server: decide by itself -----------------------------------------------------------------

    async def _server(self) -> None:
        """Put the server back to its old scheme if its switch was not confirmed and the dashboard is gone, or if it has stopped
        answering and does not come back."""
        ledger = self.journal.ledger
        last = ledger.last
        if last is None or not self._watched() or not self.journal.open_undo(last.cutover):
            self._answered_at = time.monotonic()
            return
        if ledger.uncommitted and self.lease_over and last.policy == "restore":
            await self.runner.back_alone(last, _LEASE_OVER)
        elif await self._silent(last):
            await self.runner.back_alone(last, _SERVER_SILENT)

    def _watched(self) -> bool:
        """Whether the switch is not confirmed yet, or was confirmed less than WATCH_S ago."""
        ledger = self.journal.ledger
        ended = ledger.last_finished
        fresh = ended is not None and self.runner.clock.now_ms() - ended.at_ms < WATCH_S * 1000
        return ledger.uncommitted or fresh

    async def _silent(self, last: Instruction) -> bool:
        try:
            await asking.member(self.host, last, GLANCE_S)
        except StepError as error:
            if await self._starting():
                return False
            log.warning("the server does not answer: %s", said(error))
            return time.monotonic() - self._answered_at > PATIENCE_S
        self._answered_at = time.monotonic()
        return False

    async def _starting(self) -> bool:
        """Whether somebody is starting or stopping the service right now, which may take long. A service that fails at every
        start is noticed between two attempts."""
        assert isinstance(self.host, ServerHost)
        return (await sc.query(self.host.config.service)).state not in (sc_text.RUNNING, sc_text.STOPPED)

    # --- a terminal: follow the server ---------------------------------------------------------------

    async def _terminal(self) -> None:
        if not self.lease_over:
            return
        own = self.host.scheme()
        if await self._trouble(own) is not None:
            await self._follow(own)
        await asyncio.sleep(PROBE_S * random.uniform(0.75, 1.25))  # noqa: S311 — not all terminals at once

    async def _follow(self, own: Scheme) -> None:
        if own == "http":
            if await self._trouble("https") is None:
                await self._move("https")
            return
        why = await self._trouble("https")
        if why in NO_TLS and self._came_from("http") and await self._trouble("http") is None:
            await self._move("http")

    async def _move(self, scheme: Scheme) -> None:
        if not self.lease_over or not self.runner.idle:
            return  # the dashboard is back: it decides
        order = self._order(scheme)
        if self._came_from(scheme):
            await self.runner.back_alone(order, _FOLLOWED)
        else:
            await self.runner.forward_alone(order)

    def _came_from(self, scheme: Scheme) -> bool:
        """Whether the journal has a switch whose undo leads to this scheme."""
        last = self.journal.ledger.last
        records = self.journal.open_undo(last.cutover if last else ALONE)
        return any(record.step == "secured" and record.instruction.to_scheme != scheme for record in records)

    async def _trouble(self, scheme: Scheme) -> str | None:
        """Why a lookup in this scheme fails, as a finding's code; None if it works."""
        assert isinstance(self.host, TerminalHost)
        target = dataclasses.replace(self.host.target(None), tls=scheme == "https", timeout_s=GLANCE_S)
        try:
            await asking.ask(self.host, target, self._question())
        except StepError as error:
            return error.finding.code
        return None

    def _question(self) -> asking.Question:
        """How to find out what the server speaks: as the newest instruction asks, or where that cannot be asked here, by a
        transport proof."""
        last = self.journal.ledger.last
        if last is None:
            return asking.transport()
        try:
            return asking.question(self.host, last, "interfaces")
        except StepError as error:
            log.warning("asking without the probe profile: %s", said(error))
            return asking.transport(last.transport_path)

    def _order(self, scheme: Scheme) -> Instruction:
        """The newest instruction, changed to this scheme; an empty one for a terminal that never had any."""
        last = self.journal.ledger.last
        steps = tuple(step.name for step in catalogue.steps_for("terminal", "switch", self.host.restart))
        if last is not None:
            return dataclasses.replace(last, action="switch", to_scheme=scheme, steps=steps, thumbprint=None)
        return Instruction(
            agent="", seq=0, epoch=self.journal.ledger.epoch, cutover=ALONE, action="switch", to_scheme=scheme,
            steps=steps[:-1], port=self.host.port(), thumbprint=None, member="", expires_ms=0, lease_ms=round(LEASE_S * 1000),
        )  # fmt: skip


_LEASE_OVER = Finding(
    "lease_over",
    "The dashboard was silent for longer than the lease, and the cutover was not confirmed: the server's agent restored it.",
    "The terminals follow by themselves. Check the dashboard, then plan the cutover again.",
)
_SERVER_SILENT = Finding(
    "server_silent",
    "The server stopped answering after its switch and did not recover: its agent restored it.",
    "Find the reason in NetPOS.Net's log, then plan the cutover again.",
)
_FOLLOWED = Finding("followed_server", "The terminal followed its server back by itself.", "Nothing to do.")
