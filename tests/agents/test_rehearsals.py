"""Which orders are taken, replaced, refused or passed over, and what becomes of their answers."""

import asyncio
import base64
import dataclasses
from collections.abc import AsyncIterator, Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_gateway import Gateway
from rehearsing import order

import agents.hosts.inventory.inventory
from agents import protocol
from agents.clock import Clock
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.identity import Identity
from agents.protocol import Finished, Inventory, Rehearsal, Rehearsed
from agents.rehearsal import rehearsals as module
from agents.rehearsal.rehearsals import Rehearsals
from agents.rehearsal.shadow import Shadow

KEY = Ed25519PrivateKey.generate()


class Device:
    """A known device, and the dashboard that signs its orders."""

    def __init__(self, host: Host) -> None:
        identity = Identity(host.config.state)
        identity.enrolled("a1", base64.b64encode(KEY.public_key().public_bytes_raw()).decode())
        self.busy = False
        self.clock = Clock()
        self.rehearsals = Rehearsals(host, identity, self.clock, lambda: self.busy)

    def take(self, what: Rehearsal, key: Ed25519PrivateKey = KEY) -> None:
        body = protocol.dump_signed(what)
        self.rehearsals.take(protocol.Rehearse(body, base64.b64encode(key.sign(body.encode())).decode()))

    async def answer(self) -> Rehearsed:
        return await asyncio.wait_for(self.rehearsals.answers.get(), 20)

    async def code(self) -> str | None:
        finding = (await self.answer()).finding
        return finding.code if finding else None


@pytest.fixture
async def till(terminal: TerminalHost) -> AsyncIterator[Device]:
    device = Device(terminal)
    yield device
    await device.rehearsals.stop()


@pytest.fixture
async def machine(server: ServerHost) -> AsyncIterator[Device]:
    device = Device(server)
    yield device
    await device.rehearsals.stop()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_open_ask_and_close(machine: Device, till: Device, opening: Rehearsal, port: int) -> None:
    machine.take(opening)
    opened = await machine.answer()
    assert (opened.rehearsal, opened.action, opened.finding) == (3, "open", None)
    ports = {"shadow_port": opened.facts["port"], "plain_port": opened.facts["plain_port"]}
    till.take(order("ask", port, thumbprint=opening.thumbprint, samples=1, spread_ms=20, **ports))
    asked = await till.answer()
    assert (asked.action, asked.finding, asked.facts["tls"]) == ("ask", None, "TLSv1.3")
    machine.take(order("close", port))
    closed = await machine.answer()
    assert closed == Rehearsed(3, "close", {"handshakes": 3, "lookups": 7})
    assert not await listens(opened.facts["port"])
    for answer in (opened, asked, closed):
        assert protocol.parse(protocol.dump(answer)) == answer


async def test_what_is_not_beyond_doubt_has_no_answer(till: Device, port: int, caplog: pytest.LogCaptureFixture) -> None:
    till.take(order("ask", port), Ed25519PrivateKey.generate())
    till.take(order("ask", port, agent="a2"))
    till.rehearsals.take(protocol.Rehearse("{", "AAAA"))
    till.take(order("close", port))  # the first one that deserves an answer has the first answer
    assert await till.code() == "wrong_action"
    assert till.rehearsals.answers.empty()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "a rehearsal is not signed by the dashboard",
        "a rehearsal is for another agent",
        "a rehearsal cannot be read: message: is not JSON",
    ]


async def test_orders_that_are_refused(till: Device, machine: Device, opening: Rehearsal, port: int) -> None:
    till.take(opening)
    assert await till.code() == "wrong_action"
    machine.take(order("ask", port))
    assert await machine.code() == "wrong_action"
    machine.take(dataclasses.replace(opening, expires_ms=machine.clock.now_ms() - 1))
    assert await machine.code() == "expired"
    machine.busy = True
    machine.take(opening)
    assert await machine.code() == "busy"
    machine.take(order("close", port))  # giving back is always good
    assert await machine.answer() == Rehearsed(3, "close", {"handshakes": 0, "lookups": 0})


async def test_the_listener_ends_at_its_time(
    machine: Device, opening: Rehearsal, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_ms, really_open = machine.clock.now_ms() + 60_000, Shadow.open

    async def opened_late(shadow: Shadow) -> None:
        await really_open(shadow)
        machine.clock.learn(end_ms - 800)

    monkeypatch.setattr(Shadow, "open", opened_late)
    machine.take(dataclasses.replace(opening, expires_ms=end_ms))
    opened = (await machine.answer()).facts
    assert await listens(opened["port"])
    await asyncio.wait_for(machine.rehearsals._expiry, 20)
    assert not await listens(opened["port"])
    assert not await listens(opened["plain_port"])
    machine.take(order("close", port))
    assert (await machine.answer()).facts == {"handshakes": 0, "lookups": 0}


async def test_a_newer_rehearsal_replaces_an_older_one(machine: Device, opening: Rehearsal, port: int) -> None:
    machine.take(opening)
    first = (await machine.answer()).facts
    machine.take(dataclasses.replace(opening, rehearsal=4))
    second = (await machine.answer()).facts
    assert (await listens(first["port"]), await listens(second["port"])) == (False, True)
    machine.take(order("close", port))  # of the older one, too late
    await machine.answer()
    assert await listens(second["port"])


async def test_a_till_that_still_waits_begins_with_the_newer_one(till: Device, port: int) -> None:
    till.take(order("ask", port, spread_ms=10**9))
    till.take(order("ask", port, rehearsal=4, shadow_port=port))
    answer = await till.answer()
    assert (answer.rehearsal, answer.finding.code) == (4, "connection_refused")
    assert till.rehearsals.answers.empty()


async def test_a_doubled_order_has_the_same_answer_and_is_done_once(machine: Device, opening: Rehearsal) -> None:
    machine.take(opening)
    machine.take(opening)
    first = await machine.answer()
    assert machine.rehearsals.answers.empty()
    machine.take(opening)
    assert await machine.answer() == first
    assert await listens(first.facts["port"])


async def test_a_cutover_ends_what_is_under_way(machine: Device, till: Device, opening: Rehearsal, port: int) -> None:
    till.take(order("ask", port, spread_ms=10**9))
    till.rehearsals.give_way()
    assert await till.code() == "busy"
    machine.take(opening)
    opened = (await machine.answer()).facts
    machine.rehearsals.give_way()
    assert not await listens(opened["port"])
    machine.take(opening)  # not the old answer, whose ports are closed
    assert await listens((await machine.answer()).facts["port"])


async def test_a_look_that_does_not_end_in_time(till: Device, port: int) -> None:
    till.take(order("ask", port, spread_ms=10**9, expires_ms=till.clock.now_ms() + 50))
    assert await till.code() == "expired"


async def test_a_mistake_of_ours_is_an_answer_too(
    till: Device, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module.TerminalProbe, "ask", lambda self: 1 / 0)
    till.take(order("ask", port))
    assert await till.code() == "rehearsal_failed"
    assert "ZeroDivisionError" in caplog.text


async def test_an_answer_that_the_gateway_would_not_take_is_cut(
    machine: Device, opening: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 300)
    machine.take(opening)
    answer = await machine.answer()
    assert (answer.facts, answer.finding.code) == ({}, "answer_too_large")


# --- over the real connection -------------------------------------------------------------------------


async def test_a_look_goes_on_without_a_connection_and_is_answered_over_the_next_one(
    gateway: Gateway, agent: Callable, terminal: TerminalHost, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, really_ask = asyncio.Event(), module.TerminalProbe.ask

    async def ask_when_cut_off(probe: module.TerminalProbe) -> None:
        begun.set()
        await gateway.line.wait_closed()
        await really_ask(probe)

    monkeypatch.setattr(module.TerminalProbe, "ask", ask_when_cut_off)
    agent()
    await gateway.hear(Inventory)
    settings = terminal.config.settings.read_bytes()
    await gateway.rehearse(order("ask", port, shadow_port=port, expires_ms=gateway.now_ms + 60_000))
    await begun.wait()
    await gateway.line.close()
    answer = await gateway.hear(Rehearsed)
    assert (answer.rehearsal, answer.action, answer.finding.code) == (3, "ask", "connection_refused")
    assert len(gateway.hellos) == 2
    assert terminal.config.settings.read_bytes() == settings
    assert b"ask" not in (terminal.config.state / "journal").read_bytes()  # a rehearsal is in no journal


async def test_an_instruction_has_the_right_of_way(
    gateway: Gateway, agent: Callable, ready: None, port: int, make_instruction: Callable
) -> None:
    agent()
    await gateway.hear(Inventory)
    await gateway.rehearse(order("ask", port, spread_ms=10**9, expires_ms=gateway.now_ms + 60_000))
    await gateway.instruct(make_instruction("terminal", action="arm"))
    assert (await gateway.hear(Rehearsed)).finding.code == "busy"
    assert (await gateway.hear(Finished)).outcome == "done"


@pytest.mark.parametrize("role", ["server", "terminal"])
async def test_what_the_device_looks_like_is_told_anew_before_each_answer(
    role: str, terminal: TerminalHost, server: ServerHost, opening: Rehearsal, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settings file that was made read-only a minute ago is found by a rehearsal now, whether it goes well or not."""
    host = server if role == "server" else terminal
    told = agents.hosts.inventory.inventory.Inventory(host, Clock())
    assert (await told.facts())["writable"] is None
    device = Device(host)
    device.rehearsals = Rehearsals(host, device.rehearsals._identity, device.clock, lambda: False, told.facts)
    monkeypatch.setattr("agents.files.os.access", lambda path, mode: False)
    # A till is asked about a listener that is not there.
    device.take(opening if role == "server" else order("ask", port, thumbprint=opening.thumbprint, shadow_port=1, plain_port=1))
    inventory, answer = [await asyncio.wait_for(device.rehearsals.answers.get(), 20) for _ in range(2)]
    assert isinstance(inventory, Inventory)
    assert "is write-protected" in inventory.facts["writable"]
    assert isinstance(answer, Rehearsed)
    assert (answer.finding is None) is (role == "server")
    device.take(order("close", port))
    if role == "server":
        assert isinstance(await asyncio.wait_for(device.rehearsals.answers.get(), 20), Rehearsed)
    await device.rehearsals.stop()


async def test_over_the_wire_the_device_comes_before_its_answer(
    gateway: Gateway, agent: Callable, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent()
    assert (await gateway.hear(Inventory)).facts["writable"] is None
    monkeypatch.setattr("agents.files.os.access", lambda path, mode: False)
    await gateway.rehearse(order("ask", port, shadow_port=port, expires_ms=gateway.now_ms + 60_000))
    messages = [await gateway.hear((Inventory, Rehearsed)) for _ in range(2)]
    assert [type(message) for message in messages] == [Inventory, Rehearsed]
    assert "is write-protected" in messages[0].facts["writable"]
