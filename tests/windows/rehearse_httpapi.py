"""Runs under Wine: `python rehearse_httpapi.py FOLDER PORT` is a server's agent that is ordered to open a rehearsal, with
the live service in the same process. It says its answer and what is written down meanwhile; after a line on standard
input it is ordered to close, and says that answer and whether http.sys's tables are as before.

Wine's http.sys has no TLS, so nobody listens at the port with TLS, and the handshake of the agent with itself is left out;
netsh is the emulated one of tests/agents, because Wine has none, and the certificate store is not asked."""

import asyncio
import base64
import functools
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agents"))

import certificates
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_windows import FakeWindows
from rehearsing import order

from agents import protocol
from agents.clock import Clock
from agents.config import Config
from agents.files import Files
from agents.hosts import program, spare_binding
from agents.hosts.certstore import store
from agents.hosts.host import ServerHost
from agents.identity import Identity
from agents.net import Network
from agents.protocol import Rehearsal, Rehearsed
from agents.rehearsal import rehearsals, sent_chain
from agents.winapi.httpapi import Listener
from tests.windows.wine_httpapi import WineDll

KEY = Ed25519PrivateKey.generate()
LIMIT_S = 30.0


async def main(folder: Path, port: int) -> None:
    certificate = certificates.make(folder / "store")
    machine = FakeWindows(port, folder / "settings.xml", certificate, folder / "store")
    machine.urlacl = [[f"http://+:{port}/", "D:(A;;GX;;;NS)"]]
    program.run = machine.run  # type: ignore[assignment]
    store.check = lambda *_: None
    sent_chain.read = _not_read
    kind = rehearsals.KIND
    listen = functools.partial(Listener, dll=WineDll(plain_only=True))
    rehearsals.KIND = functools.partial(kind, listen=listen)  # type: ignore[call-arg,assignment]
    await machine.listen(tls=False)
    before = machine.snapshot()
    agent = _agent(folder, machine)
    opened = await _do(agent, order("open", port, thumbprint=certificate.thumbprint))
    bound = spare_binding.recorded(folder / "state")
    _say(kind=kind.__name__, finding=opened.finding and opened.finding.code, **opened.facts, bound=bound and bound.endpoint)
    await asyncio.to_thread(sys.stdin.readline)
    closed = await _do(agent, order("close", port))
    left = spare_binding.recorded(folder / "state")
    _say(**closed.facts, same=machine.snapshot() == before, left=left and left.endpoint, changes=machine.changes())


def _agent(folder: Path, machine: FakeWindows) -> rehearsals.Rehearsals:
    config = Config(
        role="server", name="SERVER", gateway="wss://127.0.0.1:1/agent", gateway_ca=folder / "ca.pem",
        state=folder / "state", settings=machine.settings, store=machine.store,
    )  # fmt: skip
    identity = Identity(config.state)
    identity.enrolled("a1", base64.b64encode(KEY.public_key().public_bytes_raw()).decode())
    return rehearsals.Rehearsals(ServerHost(config, Network(), Files()), identity, Clock(), lambda: False)


async def _do(agent: rehearsals.Rehearsals, what: Rehearsal) -> Rehearsed:
    body = protocol.dump_signed(what)
    agent.take(protocol.Rehearse(body, base64.b64encode(KEY.sign(body.encode())).decode()))
    return await asyncio.wait_for(agent.answers.get(), LIMIT_S)


async def _not_read(port: int, thumbprint: str) -> list[str]:
    return []


def _say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
