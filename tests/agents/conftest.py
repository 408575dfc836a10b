"""One factory per thing that tests need; every default is written out."""

import asyncio
import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import certificates
import pytest
from fake_gateway import Cuttable, Gateway
from fake_httpsys import FakeHttpSys
from fake_windows import MEMBER, FakeWindows
from questions import REST
from rehearsing import order
from websockets.asyncio.server import serve

from agents import runner
from agents.agent import run_agent
from agents.clock import Clock
from agents.config import Config
from agents.files import Files
from agents.hosts import program
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.net import Network
from agents.protocol import Instruction, Rehearsal, Report, Role
from agents.rehearsal.shadow_httpsys import HttpSysShadow
from agents.rehearsal.shadow_openssl import OpenSslShadow
from agents.runner import Runner
from agents.storage.journal import Journal
from tests.ports import free_port

SERVER_STEPS = (
    "hold_monitor", "hold_dependents", "stop_service", "swap_reservation", "bind_certificate",
    "use_ssl", "start_service", "verify_server", "release_dependents", "release_monitor",
)  # fmt: skip
TERMINAL_STEPS = ("secured", "interface_list", "member_lookup")


@pytest.fixture(autouse=True)
def _undo_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that mean the further tries of an undo say so."""
    monkeypatch.setattr(runner, "UNDO_PAUSES_S", ())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    return certificates.make(tmp_path_factory.mktemp("store"))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def make_instruction(port: int, certificate: certificates.Certificate) -> Callable[..., Instruction]:
    def make(role: Role = "server", **changes: Any) -> Instruction:
        values: dict[str, Any] = {
            "agent": "a1", "seq": 1, "epoch": 1, "cutover": 7, "action": "switch", "to_scheme": "https",
            "steps": SERVER_STEPS if role == "server" else TERMINAL_STEPS, "port": port,
            "thumbprint": certificate.thumbprint, "member": MEMBER, "expires_ms": 7_000_000_000_000, "lease_ms": 60_000,
            "probe": REST,
        }  # fmt: skip
        if changes.get("action") in ("arm", "undo", "verify"):
            values["steps"] = ("ready",) if changes["action"] == "arm" else ()
        return Instruction(**{**values, **changes})

    return make


SERVER_XML = (
    "\ufeff<?xml version='1.0' encoding='utf-8'?>\r\n<!-- NetPOS -->\r\n<NetPOSSettings>\r\n  <General b='2' a='1'>\r\n"
    "    <Port>{port}</Port>\r\n    <UseSSL>False</UseSSL>\r\n    <Name>Küche</Name>\r\n  </General>\r\n</NetPOSSettings>\r\n"
)
TERMINAL_XML = (
    "<TouchSettings><Other/><Customers><NetPosHost>localhost</NetPosHost><NetPosPort>{port}</NetPosPort>"
    "<Secured>False</Secured><TimeoutSeconds>6</TimeoutSeconds></Customers></TouchSettings>"
)


@pytest.fixture
async def windows(
    tmp_path: Path, port: int, certificate: certificates.Certificate, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FakeWindows]:
    settings = tmp_path / "NetPOSSettings.xml"
    settings.write_bytes(SERVER_XML.format(port=port).encode())
    machine = FakeWindows(port, settings, certificate, certificate.pem.parent)
    machine.urlacl = [["http://+:80/Temporary_Listen_Addresses/", "D:(A;;GX;;;WD)"], [f"http://+:{port}/", "D:(A;;GX;;;NS)"]]
    machine.sslcert = [["0.0.0.0:443", "ab" * 20, "{4dc3e181-e14b-4a21-b022-59fc669b0914}", "My"]]
    monkeypatch.setattr(program, "run", machine.run)
    await machine.listen(tls=False)
    yield machine
    if machine.listener:
        machine.listener.close()


@pytest.fixture
def server(tmp_path: Path, windows: FakeWindows) -> ServerHost:
    config = Config(
        role="server", name="SERVER", gateway="wss://127.0.0.1:1/agent", gateway_ca=tmp_path / "ca.pem",
        state=tmp_path / "state", settings=windows.settings, monitor="Monitor", store=windows.store,
    )  # fmt: skip
    return ServerHost(config, Network(), Files())


@pytest.fixture
def terminal(tmp_path: Path, port: int, certificate: certificates.Certificate) -> TerminalHost:
    settings = tmp_path / "TouchSettings.xml"
    settings.write_bytes(TERMINAL_XML.format(port=port).encode())
    config = Config(
        role="terminal", name="TILL-1", gateway="wss://127.0.0.1:1/agent", gateway_ca=tmp_path / "ca.pem",
        state=tmp_path / "state", settings=settings, roots=certificate.root,
    )  # fmt: skip
    return TerminalHost(config, Network(), Files())


class RecordingJournal(Journal):
    """A journal that also lists every report that was written, acknowledged or not."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reports: list[Report] = []

    def report(self, report: Report) -> Report:
        self.reports.append(super().report(report))
        return self.reports[-1]


@dataclasses.dataclass
class Driver:
    """A runner with its journal, and the reports it made."""

    runner: Runner
    journal: RecordingJournal

    @property
    def reports(self) -> list[Report]:
        return self.journal.reports

    async def do(self, instruction: Instruction) -> Report:
        """Submit, carry everything out, and return the last report."""
        self.runner.submit(instruction)
        await self.drain()
        return self.reports[-1]

    async def drain(self) -> None:
        while not self.runner._queue.empty():
            await self.runner._execute(self.runner._queue.get_nowait())

    def steps(self, direction: str = "forward") -> list[str]:
        return [report.step for report in self.reports if getattr(report, "direction", None) == direction]


@pytest.fixture
def make_driver(tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    made: list[Driver] = []

    def make(host: Host, *, folder: str = "state", **options: Any) -> Driver:
        """A runner on the same journal as the one before: what a new process would see."""
        if made:
            made.pop().journal.close()
        journal = RecordingJournal(tmp_path / folder / "journal")
        driver = Driver(Runner(host, journal, Clock(), **options), journal)
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.journal.close()


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
async def shadow(server: ServerHost, port: int, certificate: certificates.Certificate) -> AsyncIterator[OpenSslShadow]:
    shadow = OpenSslShadow(server, order("open", port, thumbprint=certificate.thumbprint))
    await shadow.open()
    yield shadow
    await shadow.close()


@pytest.fixture
def httpsys(windows: FakeWindows, certificate: certificates.Certificate, tmp_path: Path) -> FakeHttpSys:
    """A driver that sends the leaf with its issuer, and only where this very certificate is bound."""
    sent = tmp_path / "sent.pem"
    sent.write_bytes(certificate.pem.read_bytes() + certificate.root.read_bytes())
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(sent, certificate.key)

    def context(port: int) -> ssl.SSLContext | None:
        row = next((row for row in windows.sslcert if row[0] == f"0.0.0.0:{port}"), None)
        if row is None or row[1].upper() != certificate.thumbprint:
            return None
        return made

    return FakeHttpSys(context)


@pytest.fixture
def opening(port: int, certificate: certificates.Certificate) -> Rehearsal:
    return order("open", port, thumbprint=certificate.thumbprint)


@pytest.fixture
async def httpsys_shadow(
    server: ServerHost, opening: Rehearsal, httpsys: FakeHttpSys
) -> AsyncIterator[Callable[[], HttpSysShadow]]:
    made: list[HttpSysShadow] = []

    def one() -> HttpSysShadow:
        made.append(HttpSysShadow(server, opening, httpsys))
        return made[-1]

    yield one
    for shadow_ in made:
        await shadow_.close()
    for listener in httpsys.listeners:
        listener.close()


@pytest.fixture
async def ready(windows: FakeWindows) -> None:
    """A server that answers over HTTP."""
