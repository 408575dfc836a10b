"""The gateway's mailbox: what waits is sent to those who are here, marked once it is sent, and never lost."""

import asyncio
import contextlib
from dataclasses import dataclass

import pytest
from django.db import InterfaceError, OperationalError

from agents import protocol
from fleet.gateway import mailbox as module
from fleet.gateway.mailbox import Mailbox


@dataclass(frozen=True)
class Letter:
    pk: int
    agent_id: str | None


class Letters:
    """A kind of mail that is kept in a list instead of a database."""

    name = "letters"

    def __init__(self, *letters: Letter) -> None:
        self.letters, self.sent = letters, set()
        self.fetched: list[tuple[set[str], bool]] = []
        self.errors: list[Exception] = []
        self.looked = asyncio.Event()

    def waiting(self, agent_ids, *, unsent_only):
        self.fetched.append((set(agent_ids), unsent_only))
        self.looked.set()
        if self.errors:
            raise self.errors.pop(0)
        mine = [letter for letter in self.letters if letter.agent_id in agent_ids]
        return [letter for letter in mine if not (unsent_only and letter.pk in self.sent)]

    def message(self, item):
        return protocol.Ack(item.pk)

    def mark_sent(self, ids):
        self.sent.update(ids)


class Agents:
    """The agents that are connected. Those who are deaf are connected, and nothing can be said to them."""

    def __init__(self, *here: str) -> None:
        self.here = dict.fromkeys(here)
        self.deaf: set[str] = set()
        self.heard: list[tuple[str, int]] = []

    async def say(self, agent, message):
        if agent in self.deaf:
            return False
        self.heard.append((agent, message.n))
        return True


@contextlib.asynccontextmanager
async def delivering(box: Mailbox, letters: Letters):
    """The mailbox at work. Yields a function that waits until it has looked so many times and has sent what it found."""
    job = asyncio.create_task(box.deliver())

    async def looked(times: int) -> None:
        async with asyncio.timeout(10):
            while len(letters.fetched) < times:
                letters.looked.clear()
                await letters.looked.wait()
            for _ in range(20):  # turns of the loop: more than it takes to send and mark what was fetched
                await asyncio.sleep(0)

    try:
        yield looked
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    async def here(function, *args, **kwargs):
        await asyncio.sleep(0)
        return function(*args, **kwargs)

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(module, "RETRY_S", 0)


async def test_what_waits_is_sent_once_and_marked():
    letters, agents = Letters(Letter(1, "a"), Letter(2, "b"), Letter(3, "a")), Agents("a", "b")
    box = Mailbox(letters, agents.say, agents.here.keys())
    async with delivering(box, letters) as looked:
        box.notify(["a"])
        await looked(1)
        assert agents.heard == [("a", 1), ("a", 3)]
        box.notify(["a", "b"])
        await looked(2)
    assert agents.heard == [("a", 1), ("a", 3), ("b", 2)]
    assert letters.sent == {1, 2, 3}


async def test_who_has_connected_anew_gets_everything_again():
    letters, agents = Letters(Letter(1, "a"), Letter(2, "b")), Agents("a", "b")
    letters.sent = {1, 2}
    box = Mailbox(letters, agents.say, agents.here.keys())
    async with delivering(box, letters) as looked:
        box.notify(["a", "b"])
        box.notify(["a"], again=True)
        await looked(2)
    assert agents.heard == [("a", 1)]
    assert letters.fetched == [({"a"}, False), ({"b"}, True)]


async def test_nothing_is_fetched_for_an_agent_that_is_not_here():
    letters, agents = Letters(Letter(1, "gone"), Letter(2, "a")), Agents("a")
    box = Mailbox(letters, agents.say, agents.here.keys())
    async with delivering(box, letters) as looked:
        box.notify(["gone", "a"])
        box.notify(["gone"], again=True)
        await looked(1)
        assert letters.fetched == [({"a"}, True)]
        agents.here["gone"] = None
        box.notify(["gone"], again=True)
        await looked(2)
    assert agents.heard == [("a", 2), ("gone", 1)]


async def test_what_could_not_be_said_is_not_marked():
    letters, agents = Letters(Letter(1, "a"), Letter(2, "b"), Letter(3, None)), Agents("a", "b")
    agents.deaf = {"a"}
    box = Mailbox(letters, agents.say, agents.here.keys())
    async with delivering(box, letters) as looked:
        box.notify(["a", "b"])
        await looked(1)
        assert letters.sent == {2}
        agents.deaf = set()
        box.notify(["a"])
        await looked(2)
    assert letters.sent == {1, 2}


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection closed")])
async def test_a_database_that_fails_costs_time_only(error):
    letters, agents = Letters(Letter(1, "a"), Letter(2, "b")), Agents("a", "b")
    letters.errors, letters.sent = [error], {1}
    box = Mailbox(letters, agents.say, agents.here.keys())
    async with delivering(box, letters) as looked:
        box.notify(["a"], again=True)
        box.notify(["b"])
        await looked(3)
    assert letters.fetched == [({"a"}, False), ({"a"}, False), ({"b"}, True)]
    assert agents.heard == [("a", 1), ("b", 2)]


async def test_a_notification_during_a_delivery_is_not_lost(monkeypatch):
    letters, agents = Letters(Letter(1, "a"), Letter(2, "b")), Agents("a", "b")
    box = Mailbox(letters, agents.say, agents.here.keys())
    say = agents.say

    async def notified_meanwhile(agent, message):
        if agent == "a":
            box.notify(["b"])
        return await say(agent, message)

    box._say = notified_meanwhile
    async with delivering(box, letters) as looked:
        box.notify(["a"])
        await looked(2)
    assert agents.heard == [("a", 1), ("b", 2)]
