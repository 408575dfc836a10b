"""Two programs with one identity are found; one that comes and goes is never taken for two."""

import asyncio
import random

import pytest
from django.db import connections

from fleet.gateway import hub as module
from fleet.models import Agent, Event
from fleet.services.agents import admission, lives
from fleet.services.agents.rejected import AgentRejected
from fleet.services.cutovers import reports
from fleet.services.rehearsals import lifecycle
from tests.factories import NOW, make_club
from tests.services.test_agents import NONCE, Key
from tests.services.test_hub import report


def after(*said):
    """The answers to these lives' hellos, one after the other."""
    before, answers = [], []
    for life in said:
        before, twice = lives.follow(before, life)
        answers.append(twice)
    return answers


def test_a_life_that_comes_back_after_another_is_a_second_program():
    assert after("a", "b", "a") == [False, False, True]
    assert after("a", "b", "c", "b") == [False, False, False, True]
    assert after("a", "", "a") == [False, False, True]


def test_an_honest_agent_is_never_taken_for_two():
    """Connections that break, processes that are killed and started, in any order and as often as one likes."""
    draw = random.Random(1)
    before, life = [], 0
    for _ in range(5000):
        life += draw.random() < 0.3
        before, twice = lives.follow(before, f"life {life}")
        assert not twice
        assert len(before) <= lives.MOST


def test_agents_of_older_versions_say_no_life_and_are_let_in():
    assert not any(after("", "", "new", "", "", "newer"))


@pytest.fixture
def key():
    return Key()


@pytest.fixture
def agent(db, key):
    device = make_club(1)[2][0]
    return Agent.objects.get(pk=admission.enrol(key.enrol(admission.new_token(device, NOW)), NONCE, NOW).agent)


def hello(agent, key, life):
    return admission.recognise(key.hello(agent.pk, life=life), NONCE, NOW)


def code_of(agent, key, life):
    with pytest.raises(AgentRejected) as caught:
        hello(agent, key, life)
    return caught.value.code


def test_both_are_shut_out_until_an_admin_has_the_device_enrolled_again(agent, key):
    hello(agent, key, "a")
    hello(agent, key, "b")
    assert code_of(agent, key, "a") == "identity_used_twice"
    assert code_of(agent, key, "b") == "identity_used_twice"
    assert code_of(agent, key, "c") == "identity_used_twice"
    agent.refresh_from_db()
    assert (agent.alarm["code"], agent.connected) == ("identity_used_twice", False)
    event = Event.objects.get(code="identity_used_twice")
    assert (event.device_name, event.site) == ("T01", agent.device.site)
    fresh = Key()
    assert admission.enrol(fresh.enrol(admission.new_token(agent.device, NOW)), NONCE, NOW).agent == agent.pk
    hello(agent, fresh, "b")
    agent.refresh_from_db()
    assert (agent.alarm, agent.quarantined_at) == (None, None)
    assert code_of(agent, key, "a") == "bad_signature"


def test_the_copy_learns_nothing_without_the_key(agent, key):
    hello(agent, key, "a")
    hello(agent, key, "b")
    assert code_of(agent, Key(), "a") == "bad_signature"
    hello(agent, key, "b")


def test_nothing_of_whoever_is_shut_out_is_taken(agent, key):
    hello(agent, key, "a")
    hello(agent, key, "b")
    assert code_of(agent, key, "a") == "identity_used_twice"
    assert reports.take([(agent.pk, report(1))], NOW)[1] == {}
    admission.take_inventory(agent.pk, {"host": "stolen.example"}, NOW)
    agent.device.refresh_from_db()
    assert agent.device.host != "stolen.example"
    assert not lifecycle.take([], NOW).rehearse


class Line:
    """A connection of the hub's, as far as it asks."""

    def __init__(self, number, agent=""):
        self.number, self.agent, self.size, self.ended = number, agent, 300, ""

    async def end(self, code="", message=""):
        self.ended = code


@pytest.fixture
def hub(monkeypatch):
    """A hub whose services say whom they were asked about."""
    asked = []

    async def here(function, *args):
        return function(*args)

    def recognise(message, nonce, now):
        asked.append(message.life)
        if message.life == "twice":
            raise AgentRejected("identity_used_twice", "no")
        return Agent(pk=message.agent)

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(module.admission, "recognise", recognise)
    made = module.Hub()
    made.asked = asked
    return made


async def test_the_hello_of_an_older_connection_comes_too_late_to_prove_anything(hub):
    """A process says hello, is killed and started again; the gateway was busy and reads the newer one's hello first."""
    say = Key().hello
    await hub.recognise(Line(2), say("a1", life="newer"), NONCE)
    with pytest.raises(AgentRejected) as caught:
        await hub.recognise(Line(1), say("a1", life="older"), NONCE)
    assert caught.value.code == "replaced"
    assert hub.asked == ["newer"]
    await hub.recognise(Line(3), say("a1", life="newer"), NONCE)


async def test_two_hellos_of_one_agent_are_looked_at_one_after_the_other(hub, monkeypatch):
    running = []

    async def slowly(function, message, *args):
        running.append(message.life)
        assert len(running) == 1
        await asyncio.sleep(0)
        running.remove(message.life)
        return Agent(pk=message.agent)

    monkeypatch.setattr(module, "in_thread", slowly)
    say = Key().hello
    await asyncio.gather(*(hub.recognise(Line(n), say("a1", life=str(n)), NONCE) for n in range(1, 6)))


async def test_at_the_proof_the_other_connection_ends_too_and_what_it_said_is_dropped(hub):
    first = Line(1, "a1")
    hub.here["a1"] = first
    await hub.reports.put("a1", report(1))
    await hub.reports.put("a2", report(1))
    with pytest.raises(AgentRejected):
        await hub.recognise(Line(2), Key().hello("a1", life="twice"), NONCE)
    assert first.ended == "identity_used_twice"
    assert "a1" not in hub.here
    assert await hub.reports.batch(10) == [("a2", report(1))]


@pytest.mark.django_db(transaction=True)
async def test_the_gateway_finds_who_is_shut_out_without_the_broker(monkeypatch, db):
    from asgiref.sync import sync_to_async

    tills = (await sync_to_async(make_club)(3))[2]
    one, two, three = tills
    await sync_to_async(Agent.objects.filter(pk=one.agent.pk).update)(revoked_at=NOW)
    await sync_to_async(Agent.objects.filter(pk=two.agent.pk).update)(quarantined_at=NOW)
    hub = module.Hub()
    lines = {pk: Line(1, pk) for pk in (one.agent.pk, two.agent.pk, three.agent.pk, "deleted")}
    hub.here.update(lines)
    await hub._drop_shut_out(set(hub.here))
    await sync_to_async(connections.close_all)()  # each of these threads has a connection of its own
    await module.in_thread(connections.close_all)
    assert {pk: line.ended for pk, line in lines.items()} == {
        one.agent.pk: "revoked", two.agent.pk: "identity_used_twice", three.agent.pk: "", "deleted": "unknown_agent",
    }  # fmt: skip
    assert set(hub.here) == {three.agent.pk}
