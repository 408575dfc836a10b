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
from agents.hosts.host import TerminalHost
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


async def test_hello_carries_the_newest_instruction_as_it_was_signed(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    task = agent()
    await gateway.hear(Inventory)
    assert gateway.hellos[-1].proof is None
    for seq in (1, 2):
        await gateway.instruct(make_instruction("terminal", action="arm", seq=seq))
        await gateway.hear(Finished)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gateway.heard = asyncio.Queue()
    agent()
    await gateway.hear(Inventory)
    proof = gateway.hellos[-1].proof
    gateway.key.public_key().verify(base64.b64decode(proof.signature), proof.body.encode())
    assert protocol.parse_instruction(proof.body).seq == 2


async def test_each_process_has_a_life_of_its_own_and_each_connection_says_it(gateway: Gateway, agent: Callable) -> None:
    task = agent()
    await gateway.hear(Inventory)
    await gateway.line.close()
    await gateway.hear(Inventory)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    agent()
    await gateway.hear(Inventory)
    first, second, third = (hello.life for hello in gateway.hellos)
    assert first == second != third
    assert len(first) >= 16


@pytest.mark.parametrize("body", ['{"seq": 5, "epoch": 2, "cutover": 9}', "[]", "no JSON", '{"seq": 4611686018427387904}'])
async def test_an_order_that_cannot_be_read_is_refused_and_not_passed_over(
    gateway: Gateway, agent: Callable, body: str
) -> None:
    agent()
    await gateway.hear(Inventory)
    signature = base64.b64encode(gateway.key.sign(body.encode())).decode()
    await gateway.line.send(protocol.dump(protocol.Instruct(body, signature)))
    finished = await gateway.hear(Finished)
    assert (finished.outcome, finished.finding.code) == ("refused", "bad_instruction")
    assert (finished.seq, finished.epoch, finished.cutover) == ((5, 2, 9) if "cutover" in body else (0, 0, 0))


async def test_an_order_with_an_absurd_number_is_refused_by_name(
    gateway: Gateway, agent: Callable, ready: None, make_instruction: Callable
) -> None:
    agent()
    await gateway.hear(Inventory)
    await gateway.instruct(make_instruction("terminal", action="arm", epoch=2**62))
    finished = await gateway.hear(Finished)
    assert (finished.outcome, finished.finding.code, finished.seq) == ("refused", "bad_instruction", 1)
    assert "epoch" in finished.finding.message
    await gateway.instruct(make_instruction("terminal", action="arm"))
    assert (await gateway.hear(Finished)).outcome == "done"


@pytest.mark.parametrize("code", ["revoked", "unknown_agent", "identity_used_twice", "bad_signature"])
async def test_a_refused_device_with_a_token_enrols_again_with_a_new_key(
    gateway: Gateway, agent: Callable, terminal: TerminalHost, code: str
) -> None:
    agent()
    await gateway.hear(Inventory)
    before = (terminal.config.state / "agent.key").read_bytes()
    gateway.refuse = code
    await gateway.line.close()
    await asyncio.wait_for(gateway.refused.wait(), 20)
    assert len(gateway.enrols) == 1, "without a token it goes on asking"
    (terminal.config.state / "enrol.token").write_text("another")
    await gateway.hear(Inventory)
    assert [enrol.token for enrol in gateway.enrols] == ["one-time", "another"]
    assert gateway.enrols[0].public_key != gateway.enrols[1].public_key
    assert (terminal.config.state / "agent.key").read_bytes() != before
    assert sorted(path.name for path in terminal.config.state.glob("*.new")) == []
    assert not (terminal.config.state / "enrol.token").exists()


async def test_two_devices_of_one_image_end_up_with_a_key_each(gateway: Gateway, agent: Callable) -> None:
    gateway.refuse = "key_in_use"
    agent()
    await gateway.hear(Inventory)
    first, second = gateway.enrols
    assert first.token == second.token
    assert first.public_key != second.public_key


async def test_a_spent_token_is_not_tried_again_and_again(
    gateway: Gateway, agent: Callable, terminal: TerminalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LONGEST_PAUSE_S", 0.2)
    agent()
    await gateway.hear(Inventory)
    (terminal.config.state / "enrol.token").write_text("spent")
    gateway.bad_token = True
    gateway.refuse = "revoked"
    await gateway.line.close()
    for _ in range(4):
        gateway.refused.clear()
        await asyncio.wait_for(gateway.refused.wait(), 20)
    assert [enrol.token for enrol in gateway.enrols] == ["one-time", "spent"]


async def test_what_the_gateway_says_is_short_and_escaped_in_the_log(
    gateway: Gateway, agent: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    agent()
    await gateway.hear(Inventory)
    gateway.refuse = "revoked\n2026 INFO admin approved \x1b[31m" + "x" * 100
    for _ in range(2):  # at the second time the first has been logged
        gateway.refused.clear()
        await gateway.line.close()
        await asyncio.wait_for(gateway.refused.wait(), 20)
    line = next(r.getMessage() for r in caplog.records if "not connected: refused" in r.getMessage())
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) <= 220
