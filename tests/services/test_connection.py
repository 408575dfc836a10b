"""One WebSocket, spoken to as a hostile till would."""

import asyncio
import json
import logging

import pytest

from agents import protocol
from fleet.gateway import connection
from fleet.gateway import conversation as module
from fleet.gateway import hub as hub_module
from fleet.gateway.hub import Hub
from fleet.models import Agent
from tests.services.test_agents import Key

KEY = Key()


class Till:
    """The other end of a connection: what the gateway's ASGI server would give and take."""

    def __init__(self, hub):
        self.inbox, self.said = asyncio.Queue(), asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(module.serve(hub, self.inbox.get, self.said.put))

    def say(self, text):
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def hear(self):
        """The next message, or the word for an event without one."""
        event = await asyncio.wait_for(self.said.get(), 10)
        return protocol.parse(event["text"]) if "text" in event else event["type"]

    async def greet(self, agent="a1", **more):
        assert await self.hear() == "websocket.accept"
        nonce = (await self.hear()).nonce
        self.say(protocol.dump(KEY.hello(agent, nonce, **more)))
        return await self.hear()


@pytest.fixture
def hub(monkeypatch):
    async def here(function, *args):
        return function(*args)

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(hub_module, "in_thread", here)
    monkeypatch.setattr(module.admission, "recognise", lambda message, nonce, now: Agent(pk=message.agent, acked=0))
    return Hub()


async def test_who_says_more_than_any_agent_is_told_so_and_ends_and_comes_back_to_the_same_bound(hub, monkeypatch):
    monkeypatch.setattr("fleet.gateway.limits.MESSAGES", 20)
    monkeypatch.setattr("fleet.gateway.limits.MESSAGES_A_SECOND", 0.0)
    till = Till(hub)
    assert isinstance(await till.greet(), protocol.Welcome)
    for _ in range(30):
        till.say(protocol.dump(protocol.Beat(1_900_000_000_000)))
    while isinstance(answer := await till.hear(), protocol.Beat):
        pass
    assert answer.code == "too_much"
    assert await till.hear() == "websocket.close"
    again = Till(hub)
    assert (await again.greet()).code == "too_much"
    other = Till(hub)
    assert isinstance(await other.greet("a2"), protocol.Welcome)
    other.task.cancel()


HOSTILE = (
    "\x1b[31m\n2026-11-28 INFO admin approved" * 1000,
    json.dumps({"type": "Ack", "v": 1, "\n2026 INFO admin approved\x1b" + "x" * 5000: 1}),
    json.dumps({"type": "\r\n" + "y" * 5000}),
    '{"type":"Hello","v":1,"agent":"' + "\\ud800" * 50 + '","signature":"","version":1}',
    "[" * 5000,
    "\0" * 300,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_a_stranger_says_reaches_no_log_unescaped_nor_at_length(hub, text, caplog):
    caplog.set_level(logging.DEBUG, "fleet")
    till = Till(hub)
    await till.hear()
    await till.hear()
    till.say(text)
    assert (await till.hear()).code == "bad_message"
    await till.task
    for record in caplog.records:
        line = record.getMessage()
        assert line.isprintable()
        assert len(line) < 300


async def test_a_refused_strangers_words_are_no_line_of_their_own(hub, monkeypatch, caplog):
    def refuse(message, nonce, now):
        raise module.admission.AgentRejected("bad_token", f"no: {message.agent}")

    monkeypatch.setattr(module.admission, "recognise", refuse)
    till = Till(hub)
    await till.greet("x\n2026 INFO admin approved")
    await till.task
    assert all(record.getMessage().isprintable() for record in caplog.records if record.name.startswith("fleet"))


async def test_an_error_that_nobody_foresaw_ends_this_connection_alone(hub, monkeypatch, caplog):
    def fail(message, nonce, now):
        raise KeyError("nobody foresaw this")

    good = Till(hub)
    assert isinstance(await good.greet(), protocol.Welcome)
    monkeypatch.setattr(module.admission, "recognise", fail)
    bad = Till(hub)
    assert await bad.greet("a2") == "websocket.close"
    await bad.task
    good.say(protocol.dump(protocol.Beat(1_900_000_000_000)))
    assert isinstance(await good.hear(), protocol.Beat)
    good.task.cancel()


async def test_an_agent_that_reads_nothing_holds_up_nobody(hub, monkeypatch):
    monkeypatch.setattr(connection, "GOODBYE_LIMIT_S", 0.01)
    till = Till(hub)
    assert isinstance(await till.greet(), protocol.Welcome)
    stuck = hub.here["a1"]

    async def never(event):
        await asyncio.Event().wait()

    stuck._send = never
    async with asyncio.timeout(5):
        heard = [await hub._say("a1", protocol.Ack(n)) for n in range(connection.MOST_UNSENT + 10)]
    assert heard[0]
    assert not heard[-1]
    await stuck.end("replaced", "")
    till.task.cancel()


async def test_after_its_end_nothing_that_a_connection_says_counts(hub):
    till = Till(hub)
    assert isinstance(await till.greet(), protocol.Welcome)
    await hub._drop("a1", "revoked")
    till.say(protocol.dump(protocol.Inventory({"host": "x"})))
    assert (await till.hear()).code == "revoked"
    await till.task
    assert hub.inventories._newest == {}
    assert "a1" not in hub.here


async def test_a_missing_key_is_said_to_the_dashboards_people_and_not_to_the_agent(hub, monkeypatch, caplog):
    def fail(message, nonce, now):
        raise module.keys.Missing(["instructions.key"])

    monkeypatch.setattr(module.admission, "recognise", fail)
    till = Till(hub)
    assert (await till.greet()).code == "not_ready"
    await till.task
    assert "make_keys" in caplog.text
