"""The agent's only connection: a WebSocket over TLS to the dashboard's gateway. The agent opens it, and trusts only the
dashboard's own CA. After a failure it connects again, with jitter, for ever."""

import asyncio
import contextlib
import json
import logging
import random
import secrets
import ssl
from typing import Protocol, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from agents import bounds, failpoints, protocol
from agents.clock import Clock
from agents.config import Config
from agents.errors import AgentError
from agents.hosts.inventory.inventory import Inventory
from agents.identity import Identity, IdentityError
from agents.inquiries.inquiries import Inquiries
from agents.log import said
from agents.net import Network, tls_context
from agents.protocol import Finding, Finished, Instruction, Message, Proof
from agents.rehearsal.rehearsals import Rehearsals
from agents.runner import Runner
from agents.storage.journal import Journal

log = logging.getLogger(__name__)

BEAT_S = 5.0
INVENTORY_EVERY_S = 900.0
SILENCE_S = 15.0
OPEN_LIMIT_S = 10.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 6.0
TOO_MUCH_PAUSE_S = 60.0
# Refusals after which a device with an identity may enrol again, if an admin has given it a token.
NEEDS_TOKEN = frozenset({"unknown_agent", "revoked", "identity_used_twice", "bad_signature"})

M = TypeVar("M", bound=Message)
A = TypeVar("A", bound=Message)


class Answers(Protocol[A]):
    """Answers that wait to be sent."""

    async def get(self) -> A:
        """The next one."""

    def put_nowait(self, answer: A, /) -> None:
        """Keep this one for the next connection."""


class Rejected(AgentError):
    """The gateway refuses this agent."""

    def __init__(self, refused: protocol.Refused) -> None:
        super().__init__(f"refused by the gateway: {refused.code}: {refused.message}")
        self.code = refused.code


class Transport:
    """Keeps the connection, passes instructions to the runner and sends reports to the dashboard."""

    def __init__(
        self, config: Config, network: Network, identity: Identity, journal: Journal, clock: Clock, runner: Runner
    ) -> None:
        self.config, self.network, self.identity = config, network, identity
        self.journal, self.clock, self.runner = journal, clock, runner
        self.inventory = Inventory(runner.host, clock)
        self.rehearsals = Rehearsals(runner.host, identity, clock, lambda: not runner.idle, self.inventory.facts)
        self.inquiries = Inquiries(runner.host, identity, clock, lambda: not runner.idle)
        self.life = secrets.token_hex(16)  # identifies this process: one with a copy of the state folder has another value
        self._socket: ClientConnection | None = None
        self._sent = 0
        self._welcomed = False
        self._refused = ""
        self._spent: set[str] = set()

    async def run(self) -> None:
        """Connect, talk, and connect again, for ever. A rehearsal or an inquiry goes on while there is no connection; it ends
        when this ends."""
        await self.rehearsals.sweep()
        try:
            await self._run()
        finally:
            await self.rehearsals.stop()
            await self.inquiries.stop()

    async def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            self._welcomed = False
            try:
                await self._session()
            except (OSError, TimeoutError, WebSocketException, AgentError, protocol.ProtocolError) as error:
                log.info("not connected: %s", said(error) or type(error).__name__)
                self._refused = error.code if isinstance(error, Rejected) else ""
            if self._refused == "too_much":
                pause = TOO_MUCH_PAUSE_S
            elif self._welcomed:
                pause = FIRST_PAUSE_S
            # Jitter, because a whole fleet loses its gateway in one moment and must not come back in one moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_S)

    # --- one connection ------------------------------------------------------------------------------

    async def _session(self) -> None:
        await self.network.before_request()
        context = _context(self.config)
        async with connect(
            self.config.gateway, ssl=context, proxy=None, max_size=protocol.MAX_MESSAGE_BYTES,
            open_timeout=OPEN_LIMIT_S, close_timeout=1, ping_interval=None, compression=None,
        ) as socket:  # fmt: skip
            self._socket = socket
            try:
                await self._introduce()
                await self._talk()
            finally:
                self._socket = None

    async def _introduce(self) -> None:
        challenge = await self._expect(protocol.Challenge)
        self.clock.learn(challenge.now_ms)
        if self._must_enrol():
            await self._enrol(challenge.nonce)
        known = self.identity.known
        assert known is not None
        signature = self.identity.sign(protocol.hello_payload(challenge.nonce, known.agent))
        await self._say(protocol.Hello(known.agent, signature, protocol.VERSION, self.life, self.journal.ledger.proof))
        failpoints.agent(self.config.role, "hello_said")
        welcome = await self._expect(protocol.Welcome)
        self.clock.learn(welcome.now_ms)
        self.journal.acked(welcome.acked)
        self._sent = welcome.acked
        self._welcomed = True
        self.runner.heard()
        log.info("connected as %s", known.agent)

    def _must_enrol(self) -> bool:
        """Whether this device has no identity; or its identity is refused, and an admin has left a token to enrol again. A
        token that was refused is not tried twice."""
        if self.identity.known is None:
            return True
        return self._refused in NEEDS_TOKEN and (self.identity.token() or "") not in self._spent | {""}

    async def _enrol(self, nonce: str) -> None:
        token = self.identity.token()
        if token is None:
            raise IdentityError("this device is not enrolled and has no enrol.token")
        key = self.identity.applying()
        signature = key.sign(protocol.enrol_payload(nonce, token, key.public))
        await self._say(protocol.Enrol(token, key.public, self.config.role, self.config.name, signature))
        try:
            enrolled = await self._expect(protocol.Enrolled)
        except Rejected as error:
            if error.code == "bad_token":
                self._spent.add(token)
            elif error.code == "key_in_use":
                self.identity.another_key()
            raise
        last = self.journal.ledger.last
        self.journal.enrolled(marks=last is not None and last.agent == enrolled.agent)
        self.identity.enrolled(enrolled.agent, enrolled.signing_key)
        self._refused = ""

    async def _talk(self) -> None:
        """Send and receive until one of the jobs ends, which is the end of the connection."""
        self.journal.unsent.set()
        answers = (self._send_answers(self.rehearsals.answers), self._send_answers(self.inquiries.answers))
        talk = (self._listen(), self._send_reports(), self._send_inventory(), *answers, self._beat())
        jobs = (*talk, self.network.until_cut())
        tasks = [asyncio.ensure_future(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if tasks[-1].done() and not tasks[-1].cancelled() and self._socket is not None:
                self._socket.transport.abort()  # the network is gone, so a close handshake would only wait

    async def _listen(self) -> None:
        while True:
            message = await self._hear()
            self.runner.heard()
            match message:
                case protocol.Instruct():
                    self._take(message)
                case protocol.Rehearse():
                    self.rehearsals.take(message)
                case protocol.Inquire():
                    self.inquiries.take(message)
                case protocol.Ack():
                    self.journal.acked(message.n)
                    failpoints.agent(self.config.role, "ack_received")
                case protocol.Beat():
                    self.clock.learn(message.now_ms)
                case protocol.Refused():
                    raise Rejected(message)
                case _:
                    raise protocol.ProtocolError("type", "is not a message that the gateway may send now")

    async def _send_reports(self) -> None:
        while True:
            await self.journal.unsent.wait()
            self.journal.unsent.clear()
            for report in self.journal.pending():
                if report.n > self._sent:
                    await self._say(report)
                    self._sent = report.n
                    failpoints.agent(self.config.role, "report_sent")

    async def _send_inventory(self) -> None:
        while True:
            self.runner.changed.clear()
            await self._say(protocol.Inventory(await self.inventory.facts()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INVENTORY_EVERY_S):  # free space, clock and peers change without an event
                    await self.runner.changed.wait()

    async def _send_answers(self, answers: Answers[A]) -> None:
        while True:
            answer = await answers.get()
            try:
                await self._say(answer)
            except BaseException:
                answers.put_nowait(answer)  # for the next connection; sending it twice does no harm
                raise

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._say(protocol.Beat(self.clock.now_ms()))

    # --- instructions --------------------------------------------------------------------------------

    def _take(self, message: protocol.Instruct) -> None:
        """Check signature, address and expiry. Only an instruction that passes every check reaches the runner."""
        try:
            instruction = protocol.parse_instruction(message.body)
        except protocol.ProtocolError as error:
            self._refuse(_remains(message.body), "bad_instruction", f"the instruction cannot be read: {said(error)}")
            return
        known = self.identity.known
        if not self.identity.verify(message.body, message.signature):
            self._refuse(instruction, "bad_signature", "the instruction is not signed by the dashboard")
        elif known is None or instruction.agent != known.agent:
            self._refuse(instruction, "wrong_agent", "the instruction is for another agent")
        elif self.clock.now_ms() > instruction.expires_ms and instruction.seq > self.journal.ledger.seq:
            self._refuse(instruction, "expired", "the instruction came after its time")
        else:
            if instruction.action != "verify":  # verify changes nothing, so these may go on
                self.rehearsals.give_way()
                self.inquiries.give_way()
            self.runner.submit(instruction, Proof(message.body, message.signature))

    def _refuse(self, instruction: Instruction, code: str, message: str) -> None:
        log.error("instruction %s refused: %s", instruction.seq, message)
        finding = Finding(code, message, "Nothing was done on this device; send a new instruction.")
        finished = Finished(
            n=0, seq=instruction.seq, epoch=instruction.epoch, cutover=instruction.cutover, action=instruction.action,
            outcome="refused", at_ms=self.clock.now_ms(), scheme=None, finding=finding,
        )  # fmt: skip
        self.journal.report(finished)

    # --- words ---------------------------------------------------------------------------------------

    async def _say(self, message: Message) -> None:
        assert self._socket is not None
        async with asyncio.timeout(SILENCE_S):
            await self._socket.send(protocol.dump(message))

    async def _hear(self) -> Message:
        """The next message. Raises TimeoutError if the gateway is silent for longer than SILENCE_S."""
        assert self._socket is not None
        async with asyncio.timeout(SILENCE_S):
            return protocol.parse(await self._socket.recv())

    async def _expect(self, kind: type[M]) -> M:
        message = await self._hear()
        if isinstance(message, protocol.Refused):
            raise Rejected(message)
        if not isinstance(message, kind):
            raise protocol.ProtocolError("type", f"must be {kind.__name__}")
        return message


def _remains(body: str) -> Instruction:
    """The numbers of an instruction that cannot be read, by which the dashboard may identify it; 0 for each that is missing."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = {}
    data = data if isinstance(data, dict) else {}
    seq, epoch, cutover = (_number(data.get(name)) for name in ("seq", "epoch", "cutover"))
    return Instruction(
        agent="", seq=seq, epoch=epoch, cutover=cutover, action="verify", to_scheme="http", steps=(), port=0,
        thumbprint=None, member="", expires_ms=0, lease_ms=0,
    )  # fmt: skip


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= bounds.MOST else 0


def _context(config: Config) -> ssl.SSLContext:
    context = tls_context(config.gateway_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
