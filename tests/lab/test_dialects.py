"""The lab's dialects: each works between server and terminals, and the probe profiles are what a recording makes of them."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.http import Connection, Response
from agents.lab import terminal as terminals
from agents.lab.build import build
from agents.lab.dialects import named
from agents.lab.dialects.dialect import Asked
from agents.lab.layout import MEMBERS
from agents.net import Network
from agents.probes import validator, writer
from agents.probes.recording.exchanges import Exchange, Transcript
from agents.probes.recording.proposal import Proposal, propose
from agents.probes.recording.relay import Relay
from tests.lab.conftest import ROOT, Lab, await_that, rows
from tests.ports import free_port


@pytest.fixture(params=named.NAMES)
def spoken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """A lab in which this dialect is spoken; its server runs."""
    port = free_port()
    layout = build(
        tmp_path / "lab", terminals=2, seed=3, port=port, gateway="wss://localhost:1/a", gateway_ca=tmp_path / "ca.pem",
        dialect=request.param,
    )  # fmt: skip
    lab = Lab(layout)
    lab.netpos()
    await_that(lambda: rows(lab.server / "access.jsonl"), "the server listens")
    yield lab
    lab.end()


def code(lab: Lab) -> str:
    """The access code in the first terminal's settings."""
    name = lab.layout.names[0]
    return terminals.parse_settings((lab.layout.terminal_dir(name) / "TouchSettings.xml").read_bytes()).code


async def ask(port: int, *asked: Asked) -> list[Response]:
    """These requests over one connection."""
    async with Connection("127.0.0.1", port, tls=None, network=Network()) as connection:
        return [await connection.ask(one.method, one.path, one.headers, one.body) for one in asked]


def test_terminals_look_up_in_each_dialect(spoken: Lab) -> None:
    spoken.start("terminals", "--names", ",".join(spoken.layout.names))
    for name in spoken.layout.names:
        looked = await_that(lambda name=name: rows(spoken.layout.terminal_dir(name) / "lookups.jsonl"), "a lookup")
        assert looked[0]["ok"], looked
    asked = await_that(lambda: [r for r in rows(spoken.server / "access.jsonl") if r["event"] == "request"], "a request")
    assert asked[0]["terminal"] in spoken.layout.names


def test_unknown_members_and_nonsense_are_no_good_lookup(spoken: Lab) -> None:
    dialect = named.of(spoken.layout.dialect)
    good, bad, junk, got = asyncio.run(ask(
        spoken.port,
        dialect.lookup(MEMBERS[0], "Bar", code(spoken)),
        dialect.lookup(7, "Bar", code(spoken)),
        Asked("POST", dialect.lookup(7, "Bar", "").path, (("Content-Type", "text/xml"),), b"\0<junk"),
        Asked("GET", "/"),
    ))  # fmt: skip
    assert dialect.is_good(good.status, good.body, MEMBERS[0])
    assert not dialect.is_good(bad.status, bad.body, 7)
    assert junk.status >= 400
    assert got.status == (404 if dialect.name == "rest" else 405)


def test_a_wrong_access_code_is_refused(spoken: Lab) -> None:
    dialect = named.of(spoken.layout.dialect)
    if not dialect.needs_code:
        assert code(spoken) == ""
        return
    (answer,) = asyncio.run(ask(spoken.port, dialect.lookup(MEMBERS[0], "Bar", code(spoken) + "1")))
    assert not dialect.is_good(answer.status, answer.body, MEMBERS[0])


async def recorded(lab: Lab, name: str) -> Proposal:
    """What a recording makes of what a terminal of this name asks."""
    dialect, seen = named.of(lab.layout.dialect), list[Exchange]()
    listing = dialect.interfaces(name, code(lab))
    lookups = [dialect.lookup(number, name, code(lab)) for number in (1001, 1002)]
    relay = Relay("127.0.0.1", lab.port, lambda number: Transcript(number, seen.append))
    port = await relay.open("127.0.0.1", 0)
    try:
        await ask(port, listing, listing, *lookups)
    finally:
        await relay.close()
    return propose(seen, terminal=name)


def test_the_probe_profiles_are_what_a_recording_makes(spoken: Lab) -> None:
    proposal = asyncio.run(recorded(spoken, "Bar-01"))
    shipped = named.of(spoken.layout.dialect).profile()
    if proposal.profile is None:
        assert (spoken.layout.dialect, shipped) == ("opaque", "")
        return
    assert writer.write(proposal.profile, proposal.reasons) == shipped
    assert code(spoken) not in shipped or not code(spoken)
    assert validator.parse(shipped.encode()).profile == proposal.profile


def test_an_older_lab_speaks_rest(tmp_path: Path) -> None:
    layout = build(tmp_path / "lab", terminals=1, seed=1, port=1, gateway="", gateway_ca=tmp_path)
    facts = json.loads((layout.root / "lab.json").read_text())
    assert facts.pop("dialect") == "rest"
    (layout.root / "lab.json").write_text(json.dumps(facts))
    assert build(layout.root, terminals=1, seed=1, port=1, gateway="", gateway_ca=tmp_path).dialect == "rest"
    with pytest.raises(ValueError, match="klingon"):
        build(tmp_path / "other", terminals=1, seed=1, port=1, gateway="", gateway_ca=tmp_path, dialect="klingon")


@pytest.mark.parametrize("spoken", ["rest", "soap"], indirect=True)
def test_by_two_commands_a_profile_is_learnt_and_checked(spoken: Lab, tmp_path: Path) -> None:
    """As docs/lab.md says it: the relay, the person at the terminal, the check with the terminal's own configuration."""
    name, profile, port = spoken.layout.names[0], tmp_path / "probe.toml", free_port()
    folder = spoken.layout.terminal_dir(name)
    (tmp_path / "ca.pem").write_bytes(spoken.layout.ca_file.read_bytes())  # the agent's configuration names it
    before = (folder / "TouchSettings.xml").read_bytes()

    def agents(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", *words]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    record = agents(
        "agents", "probe", "record", "--listen", str(port), "--to", f"127.0.0.1:{spoken.port}", "--seconds", "60",
        "--out", str(profile), "--terminal", name,
    )  # fmt: skip
    assert record.stdout is not None
    assert "Listening" in record.stdout.readline()
    press = agents(
        "agents.lab.touch.press", "--dir", str(spoken.layout.root), "--terminal", name, "--through", f"127.0.0.1:{port}",
        "--seconds", "0",
    )  # fmt: skip
    told, _ = press.communicate(timeout=30)
    assert press.returncode == 0, told
    assert (folder / "TouchSettings.xml").read_bytes() == before
    record.send_signal(signal.SIGINT)
    told, _ = record.communicate(timeout=30)
    assert record.returncode == 0, told
    assert validator.load(profile).profile == validator.parse(named.of(spoken.layout.dialect).profile().encode()).profile
    check = agents("agents", "probe", "check", str(profile), "--config", str(folder / "agent.toml"), "--member", "1001")
    told, _ = check.communicate(timeout=30)
    assert (check.returncode, told.count(": as expected")) == (0, 2), told
