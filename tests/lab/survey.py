"""A lab's site as the dashboard sees it: what the real agents say of themselves and see in a rehearsal, sent as JSON,
and judged by the rules of readiness."""

import asyncio
import base64
import contextlib
import dataclasses
import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from agents import config, protocol
from agents.agent import make_host
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.host import ServerHost, TerminalHost
from agents.hosts.inventory.inventory import Inventory
from agents.lab.dialects import named
from agents.lab.faults import Faults, LabFiles, LabNetwork
from agents.lab.layout import LabLayout
from agents.protocol import Finding, Rehearsal, Rehearsed
from agents.rehearsal.probe import TerminalProbe
from agents.rehearsal.shadow_openssl import OpenSslShadow as Shadow
from fleet.device_facts.facts import CheckFacts
from fleet.device_facts.parse import parse_check, parse_finding, parse_listener, parse_server, parse_terminal
from fleet.preflight.site.check import assess
from fleet.preflight.site.readiness import Readiness
from fleet.preflight.site.reading import check_view, rehearsal_view, server_view, terminal_view
from fleet.preflight.site.view import Contact, RehearsalView, SiteView, TerminalCheckView, TerminalView

NEVER_MS = 7_000_000_000_000
AT_ONCE = 8  # tills that look at the same time: a dashboard lets them begin one after the other, too
WEEK, HOUR = dt.timedelta(days=7), dt.timedelta(hours=1)


def server_host(lab: LabLayout) -> ServerHost:
    """The server as its agent has it."""
    network = LabNetwork(Faults(lab.root), None)
    host = make_host(config.load(lab.server_agent_config), network, LabFiles(network))
    host.config.state.mkdir(exist_ok=True)
    assert isinstance(host, ServerHost)
    return host


def till_host(lab: LabLayout, name: str) -> TerminalHost:
    """A till as its agent has it."""
    network = LabNetwork(Faults(lab.root), name)
    host = make_host(config.load(lab.agent_config(name)), network, LabFiles(network))
    host.config.state.mkdir(exist_ok=True)
    assert isinstance(host, TerminalHost)
    return host


async def server_facts(lab: LabLayout) -> dict[str, Any]:
    """The server's inventory."""
    return await Inventory(server_host(lab), Clock()).facts()


async def till_facts(lab: LabLayout, name: str) -> dict[str, Any]:
    """A till's inventory."""
    return await Inventory(till_host(lab, name), Clock()).facts()


def order(lab: LabLayout, **changes: Any) -> Rehearsal:
    """What the dashboard asks of an agent in a rehearsal; of the server to open, where nothing else is said."""
    first = Rehearsal(
        "a1", 1, "open", lab.port, str(lab.member), NEVER_MS, lab.thumbprint, probe=named.of(lab.dialect).profile()
    )
    return dataclasses.replace(first, **changes)


def wire(value: Any) -> Any:
    """As it arrives."""
    return json.loads(json.dumps(value))


@dataclass
class Survey:
    """What the dashboard knows of one lab, from look to look. thumbprint: of the certificate that the plan names, ""
    without a plan; samples: lookups of each kind, on which no verdict depends; unmanaged: terminals that were imported
    and have no agent; diverted: tills whose way to the server leads to another port of this machine."""

    lab: LabLayout
    thumbprint: str = ""
    samples: int = 0
    unmanaged: tuple[str, ...] = ()
    diverted: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    held: RehearsalView | None = None
    failed: Finding | None = None

    async def look(self) -> Readiness:
        """Inventories and a rehearsal, both anew, and the verdict of it all."""
        self.facts[self.lab.server_name] = wire(await server_facts(self.lab))
        await self._each(self._tell)
        await self.rehearse()
        return self.assess()

    async def rehearse(self) -> None:
        """Every till that is there looks from its seat. What was seen the last time is kept where the server cannot."""
        shadow = Shadow(server_host(self.lab), order(self.lab))
        try:
            await shadow.open()
        except StepError as error:
            self.failed = parse_finding(_plain(_answer("open", {}, error.finding).finding))
            return
        try:
            opened = wire(shadow.facts)
            seats = await self._each(lambda name: self._seat(name, opened))
        finally:
            await shadow.close()
        self.held = rehearsal_view(dt.datetime.now(dt.UTC), self.lab.thumbprint, parse_listener(opened), seats)
        self.failed = None

    def assess(self) -> Readiness:
        """The verdict about what is known."""
        now, server = dt.datetime.now(dt.UTC), self.lab.server_name
        window = (now + WEEK, now + WEEK + HOUR) if self.thumbprint else None
        tills = [terminal_view(name, self._contact(name), parse_terminal(self.facts.get(name))) for name in self.lab.names]
        return assess(
            SiteView(
                now=now,
                server=server_view(server, "yes", parse_server(self.facts[server])),
                terminals=(*tills, *(TerminalView(name, "none") for name in self.unmanaged)),
                rehearsal=self.held,
                failed=self.failed,
                policy_hours=24,
                thumbprint=self.thumbprint,
                window=window,
            )
        )

    async def _each(self, work: Any) -> list[Any]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Any:
            async with places:
                return await work(name)

        return await asyncio.gather(*map(one, self.lab.names))

    async def _tell(self, name: str) -> None:
        if self._contact(name) == "yes":
            self.facts[name] = wire(await till_facts(self.lab, name))

    async def _seat(self, name: str, opened: dict[str, Any]) -> TerminalCheckView:
        if self._contact(name) != "yes":
            return check_view(name, False, None, CheckFacts())
        facts: dict[str, Any] = {}
        asked = order(
            self.lab,
            action="ask",
            shadow_port=self.diverted.get(name, opened["port"]),
            plain_port=opened["plain_port"],
            samples=self.samples,
            issuers=_issuers(opened["chain"]),
        )
        finding = None
        try:
            await TerminalProbe(till_host(self.lab, name), Clock(), asked, facts).ask()
        except StepError as error:
            finding = error.finding
        answer = _answer("ask", facts, finding)
        return check_view(name, True, parse_finding(_plain(answer.finding)), parse_check(answer.facts))

    def _contact(self, name: str) -> Contact:
        """An agent reaches the dashboard by the same network."""
        return "no" if Faults(self.lab.root).terminal(name).offline else "yes"


def _answer(action: Any, facts: dict[str, Any], finding: Finding | None) -> Rehearsed:
    arrived = protocol.parse(protocol.dump(Rehearsed(1, action, facts, finding)))
    assert isinstance(arrived, Rehearsed)
    return arrived


def _plain(finding: Finding | None) -> dict[str, Any] | None:
    """As the dashboard keeps it."""
    return dataclasses.asdict(finding) if finding else None


def _issuers(chain: list[str]) -> tuple[str, ...]:
    names = [x509.load_pem_x509_certificate(pem.encode()).issuer.public_bytes() for pem in chain]
    return tuple(dict.fromkeys(base64.b64encode(name).decode() for name in names))


@contextlib.asynccontextmanager
async def opens_tls(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Something between till and server that opens TLS with a certificate of its own; its port."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except (OSError, ssl.SSLError):
            return  # the till has gone
        finally:
            writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0, ssl=context) as between:
        yield int(between.sockets[0].getsockname()[1])
