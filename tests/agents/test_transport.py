"""The connection: a real WebSocket over TLS against a gateway of a few lines."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from pathlib import Path

import certificates
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_gateway import Cuttable, Gateway

from agents import protocol, transport
from agents.hosts.windows import TerminalHost
from agents.protocol import Finished, Inventory, StepDone


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
