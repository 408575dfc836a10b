"""The connection: a real WebSocket over TLS against a gateway of a few lines."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certificates
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fake_windows import FakeWindows
from websockets.asyncio.server import ServerConnection, serve

from agents import protocol, transport
from agents.agent import run_agent
from agents.files import Files
from agents.hosts.windows import TerminalHost
from agents.net import Network
from agents.protocol import Finished, Instruction, Inventory, Message, StepDone


@dataclass
class Gateway:
    """Enrols, welcomes and acknowledges; tests read `heard` and send through `line`."""

    acked: int = 0
    acknowledge: bool = True
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    heard: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    hellos: list[protocol.Hello] = field(default_factory=list)
    enrols: list[protocol.Enrol] = field(default_factory=list)
    public: Ed25519PublicKey | None = None
    line: ServerConnection | None = None
    now_ms: int = 1_900_000_000_000

    async def serve(self, line: ServerConnection) -> None:
        await line.send(protocol.dump(protocol.Challenge("nonce", self.now_ms)))
        message = protocol.parse(await line.recv())
        if isinstance(message, protocol.Enrol):
            self.enrols.append(message)
            self.public = Ed25519PublicKey.from_public_bytes(base64.b64decode(message.public_key))
            payload = protocol.enrol_payload("nonce", message.token, message.public_key)
            self.public.verify(base64.b64decode(message.signature), payload)
            key = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
            await line.send(protocol.dump(protocol.Enrolled("a1", key)))
            message = protocol.parse(await line.recv())
        assert isinstance(message, protocol.Hello)
        self.public.verify(base64.b64decode(message.signature), protocol.hello_payload("nonce", "a1"))
        self.hellos.append(message)
        await line.send(protocol.dump(protocol.Welcome(self.acked, self.now_ms)))
        self.line = line
        async for text in line:
            message = protocol.parse(text)
            await self.heard.put(message)
            if isinstance(message, StepDone | Finished) and self.acknowledge:
                self.acked = max(self.acked, message.n)
                await line.send(protocol.dump(protocol.Ack(self.acked)))

    async def instruct(self, instruction: Instruction, key: Ed25519PrivateKey | None = None) -> None:
        body = protocol.dump_signed(instruction)
        signature = base64.b64encode((key or self.key).sign(body.encode())).decode()
        await self.line.send(protocol.dump(protocol.Instruct(body, signature)))

    async def hear(self, kind: type) -> Any:
        """The next message of this kind; others are passed over."""
        async with asyncio.timeout(20):
            while not isinstance(message := await self.heard.get(), kind):
                pass
            return message


class Cuttable(Network):
    def __init__(self) -> None:
        self.cut = asyncio.Event()

    async def before_request(self) -> None:
        if self.cut.is_set():
            raise OSError("the network is gone")

    async def until_cut(self) -> None:
        await self.cut.wait()


@pytest.fixture
async def gateway(port: int, certificate: certificates.Certificate, terminal: TerminalHost) -> AsyncIterator[Gateway]:
    gateway = Gateway()
    async with serve(gateway.serve, "127.0.0.1", 0, ssl=certificate.server_context(), close_timeout=0.1) as server:
        where = server.sockets[0].getsockname()[1]
        object.__setattr__(terminal.config, "gateway", f"wss://127.0.0.1:{where}/agent")
        object.__setattr__(terminal.config, "gateway_ca", certificate.root)
        terminal.config.state.mkdir()
        (terminal.config.state / "enrol.token").write_text("one-time\n")
        yield gateway


@pytest.fixture
async def network() -> Cuttable:
    return Cuttable()


@pytest.fixture
async def agent(gateway: Gateway, terminal: TerminalHost, network: Cuttable) -> AsyncIterator[Callable[[], asyncio.Task]]:
    running: list[asyncio.Task] = []

    def start() -> asyncio.Task:
        task = asyncio.create_task(run_agent(terminal.config, network=network, files=Files()))
        running.append(task)
        return task

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def ready(windows: FakeWindows) -> None:
    """A server that answers over HTTP."""


async def test_a_new_device_enrols_once_and_its_key_stays_private(
    gateway: Gateway, agent: Callable, terminal: TerminalHost, caplog
) -> None:
    task = agent()
    facts = (await gateway.hear(Inventory)).facts
    assert (facts["host"], facts["scheme"], facts["error"]) == ("localhost", "http", None)
    assert [(enrol.token, enrol.role, enrol.name) for enrol in gateway.enrols] == [("one-time", "terminal", "TILL-1")]
    assert not (terminal.config.state / "enrol.token").exists()
    assert (terminal.config.state / "agent.key").stat().st_mode & 0o777 == 0o600
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    agent()
    await gateway.hear(Inventory)
    assert (len(gateway.enrols), len(gateway.hellos)) == (1, 2)
    secret = (terminal.config.state / "agent.key").read_bytes()
    assert base64.b64encode(secret).decode() not in caplog.text
    assert secret.hex() not in caplog.text


async def test_an_order_is_carried_out_reported_and_acknowledged(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    agent()
    await gateway.hear(Inventory)
    await gateway.instruct(make_instruction("terminal", action="arm"))
    done, finished = await gateway.hear(StepDone), await gateway.hear(Finished)
    assert (done.n, done.step, finished.n, finished.outcome) == (1, "ready", 2, "done")
    assert gateway.now_ms <= done.at_ms <= finished.at_ms < gateway.now_ms + 60_000
    await gateway.hear(Inventory)  # the device may look different now


@pytest.mark.parametrize(
    ("change", "code"),
    [({}, "bad_signature"), ({"agent": "a2"}, "wrong_agent"), ({"expires_ms": 1_899_999_999_999}, "expired")],
)
async def test_orders_that_are_not_beyond_doubt_are_refused(
    gateway: Gateway, agent: Callable, make_instruction: Callable, terminal: TerminalHost, change: dict, code: str
) -> None:
    before = terminal.config.settings.read_bytes()
    agent()
    await gateway.hear(Inventory)
    await gateway.instruct(make_instruction("terminal", **change), None if change else Ed25519PrivateKey.generate())
    finished = await gateway.hear(Finished)
    assert (finished.outcome, finished.finding.code) == ("refused", code)
    assert terminal.config.settings.read_bytes() == before


async def test_a_refused_order_does_not_stand_in_the_way_of_a_good_one(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    agent()
    await gateway.hear(Inventory)
    await gateway.instruct(make_instruction("terminal", action="arm", seq=99, epoch=99), Ed25519PrivateKey.generate())
    assert (await gateway.hear(Finished)).outcome == "refused"
    await gateway.instruct(make_instruction("terminal", action="arm"))
    assert (await gateway.hear(Finished)).outcome == "done"


async def test_unacknowledged_reports_come_again_and_acknowledged_ones_do_not(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    gateway.acknowledge = False
    agent()
    await gateway.hear(Inventory)
    await gateway.instruct(make_instruction("terminal", action="arm"))
    await gateway.hear(Finished)
    await gateway.line.close()
    assert [(await gateway.hear(StepDone)).n, (await gateway.hear(Finished)).n] == [1, 2]
    gateway.acked = 1
    await gateway.line.close()
    assert (await gateway.hear(StepDone | Finished)).n == 2
    assert (gateway.hellos[-1].seq, gateway.hellos[-1].epoch) == (1, 1)


async def test_on_one_connection_every_report_is_sent_once(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    gateway.acknowledge = False
    agent()
    await gateway.hear(Inventory)
    numbers = []
    for seq in (1, 2):
        await gateway.instruct(make_instruction("terminal", action="arm", seq=seq))
        numbers += [(await gateway.hear(StepDone | Finished)).n for _ in range(2)]
    assert numbers == [1, 2, 3, 4]


async def test_the_connection_drops_when_the_network_is_gone_and_comes_back(
    gateway: Gateway, agent: Callable, network: Cuttable
) -> None:
    agent()
    await gateway.hear(Inventory)
    line = gateway.line
    network.cut.set()
    await line.wait_closed()
    network.cut.clear()
    await gateway.hear(Inventory)
    assert gateway.line is not line


async def test_silence_ends_the_connection(gateway: Gateway, agent: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SILENCE_S", 0.2)
    agent()
    await gateway.hear(Inventory)
    line = gateway.line
    await line.wait_closed()
    await gateway.hear(Inventory)
    assert gateway.line is not line


async def test_beats_are_sent(gateway: Gateway, agent: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BEAT_S", 0.01)
    agent()
    beat = await gateway.hear(protocol.Beat)
    assert gateway.now_ms <= beat.now_ms < gateway.now_ms + 60_000


async def test_only_the_dashboards_own_ca_is_trusted(
    gateway: Gateway, agent: Callable, terminal: TerminalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(terminal.config, "gateway_ca", certificates.make(tmp_path / "other").root)
    refused: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    session = transport.Transport._session

    async def watched(self: transport.Transport) -> None:
        try:
            await session(self)
        except BaseException as error:
            if not refused.done():
                refused.set_result(error)
            raise

    monkeypatch.setattr(transport.Transport, "_session", watched)
    agent()
    assert isinstance(await refused, ssl.SSLCertVerificationError)
    assert gateway.hellos == gateway.enrols == []
