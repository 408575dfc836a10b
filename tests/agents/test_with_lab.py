"""The agent's code for Windows against the lab's emulated netsh and sc and its reference server, as processes."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents import config
from agents.agent import make_host
from agents.errors import StepError
from agents.files import Files
from agents.hosts.windows import Host
from agents.lab import build
from agents.lab.layout import LabLayout
from agents.net import Network

pytestmark = pytest.mark.lab
KEPT = ("httpsys.json", "services.json", "NetPOSSettings.xml")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabLayout]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    folder, ca_file = tmp_path / "lab", tmp_path / "ca.pem"
    ca_file.touch()
    layout = build.build(
        folder, terminals=2, seed=7, port=port, gateway="wss://127.0.0.1:1/agent", gateway_ca=tmp_path / "ca.pem"
    )
    monkeypatch.setenv("PATH", f"{layout.server_dir / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with subprocess.Popen([sys.executable, "-m", "agents.lab.netpos", "--dir", str(folder)]) as server:
        yield layout
        server.terminate()


def _machine(lab: LabLayout) -> dict[str, object]:
    """What a rollback must bring back; http.sys's tables have no order."""
    tables = json.loads((lab.server_dir / "httpsys.json").read_text())
    in_order = {name: sorted(rows, key=json.dumps) for name, rows in tables.items()}
    return {"tables": in_order, **{name: (lab.server_dir / name).read_bytes() for name in KEPT[1:]}}


async def test_a_site_is_switched_and_brought_back(lab: LabLayout, make_desk: Callable, make_instruction: Callable) -> None:
    common = {"port": lab.port, "thumbprint": lab.thumbprint, "member": str(lab.member)}
    desks = {}
    for role, path in (("server", lab.server_agent_config), *(("terminal", lab.agent_config(name)) for name in lab.names)):
        host: Host = make_host(config.load(path), Network(), Files())
        desks[path] = (role, host)
    (_, server), *tills = desks.values()
    await _until_it_answers(server, str(lab.member))
    before = _machine(lab), [till.config.settings.read_bytes() for _, till in tills]
    for number, (role, host) in enumerate(desks.values()):
        done = await make_desk(host, folder=f"state{number}").do(make_instruction(role, **common))
        assert (done.outcome, done.scheme, done.finding) == ("done", "https", None)
    assert _machine(lab) != before[0]
    for number, (role, host) in enumerate(desks.values()):
        undo = make_instruction(role, seq=2, epoch=2, action="undo", **common)
        done = await make_desk(host, folder=f"state{number}").do(undo)
        assert (done.outcome, done.scheme, done.finding) == ("done", "http", None)
    assert (_machine(lab), [till.config.settings.read_bytes() for _, till in tills]) == before


async def _until_it_answers(server: Host, member: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await server.lookup(member, 10)
            except StepError:
                continue
            return
