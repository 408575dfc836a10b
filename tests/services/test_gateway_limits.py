"""One agent's flood costs the others nothing."""

import asyncio

import pytest

from agents import protocol
from fleet.gateway import limits
from fleet.gateway.answers import Answers
from fleet.gateway.intake import Intake
from fleet.gateway.inventories import Inventories
from fleet.gateway.limits import Allowances, WaitingRoom, slim


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_reports_are_taken_in_turns_and_each_agents_in_their_order():
    intake = Intake(100)
    for n in range(60):
        await intake.put("loud", n)
    for agent in ("a", "b"):
        await intake.put(agent, 0)
    first = await intake.batch(9)
    assert [agent for agent, _ in first].count("loud") == 3
    assert {agent for agent, _ in first} == {"loud", "a", "b"}
    await intake.put("c", 0)
    second = await intake.batch(4)
    assert ("c", 0) in second
    rest = [n for agent, n in [*first, *second, *await intake.batch(500)] if agent == "loud"]
    assert rest == list(range(60))


async def test_a_flood_waits_at_its_own_connection():
    intake = Intake(100)

    async def flood():
        for n in range(20_000):
            await intake.put("loud", n)

    task = asyncio.create_task(flood())
    await asyncio.sleep(0)
    assert not task.done()
    await asyncio.wait_for(intake.put("quiet", 1), 1)
    assert ("quiet", 1) in await intake.batch(20)
    task.cancel()


async def test_everybody_gets_a_turn_where_there_are_more_agents_than_places():
    intake = Intake(100)
    for agent in range(30):
        for n in range(2):
            await intake.put(str(agent), n)
    taken = [agent for _ in range(3) for agent, _ in await intake.batch(10)]
    assert sorted(taken, key=int) == [str(n) for n in range(30)]


async def test_what_waits_of_an_agent_that_is_shut_out_is_forgotten_and_its_connection_goes_on_to_its_end():
    intake = Intake(1)
    await intake.put("out", 1)
    waiting = asyncio.create_task(intake.put("out", 2))
    await asyncio.sleep(0)
    intake.forget("out")
    await asyncio.wait_for(waiting, 1)
    intake.forget("out")
    await intake.put("a", 1)
    assert await intake.batch(10) == [("a", 1)]


def test_an_allowance_counts_messages_and_bytes_over_all_connections():
    clock = Clock()
    allowances = Allowances(clock)
    said = 0
    while allowances.spend("loud", 100):
        said += 1
    assert said == limits.MESSAGES
    assert allowances.is_spent("loud")
    assert allowances.spend("quiet", 100)
    assert not allowances.is_spent("quiet")
    clock.now = 60.0
    assert sum(allowances.spend("loud", 100) for _ in range(5000)) == 60 * limits.MESSAGES_A_SECOND
    clock.now = 10_000.0
    assert sum(allowances.spend("loud", 256 * 1024) for _ in range(500)) == limits.BYTES / (256 * 1024)


def test_a_busy_honest_night_is_far_within_it():
    """A server's: two minutes of connections that break every second, an inventory each; then 60 instructions of 12 steps."""
    clock = Clock()
    allowances = Allowances(clock)
    for second in range(120):
        clock.now = float(second)
        assert allowances.spend("server", 2000, limits.HELLO)
        assert allowances.spend("server", 120_000)
    for _ in range(60 * 13):
        assert allowances.spend("server", 3000)


def test_whoever_is_quiet_for_long_is_not_remembered(monkeypatch):
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    clock = Clock()
    allowances = Allowances(clock)
    for name in "abc":
        allowances.spend(name, 1)
    clock.now = 10_000.0
    allowances.spend("d", 1)
    assert set(allowances._of) == {"d"}


async def test_who_never_says_hello_is_the_first_to_go_where_it_is_crowded(monkeypatch):
    monkeypatch.setattr(limits, "STRANGERS", 3)
    room, gone = WaitingRoom(), []

    async def stay(name):
        try:
            async with room.wait(60):
                await asyncio.Event().wait()
        except TimeoutError:
            gone.append(name)

    tasks = []
    for name in "abcde":
        tasks.append(asyncio.create_task(stay(name)))
        await asyncio.sleep(0)
    await asyncio.wait(tasks[:2], timeout=5)
    assert gone == ["a", "b"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not room._waiting


async def test_each_of_them_has_a_time_limit():
    with pytest.raises(TimeoutError):
        async with WaitingRoom().wait(0.01):
            await asyncio.Event().wait()


def test_evidence_that_is_too_large_is_left_out_and_its_report_is_not():
    step = protocol.StepDone(1, 2, 3, 4, "stop_service", "forward", 5, 6, {"last_answer_ms": 7, "rows": "x" * 100_000})
    slimmed = slim(step, 100_100)
    assert slimmed.evidence == {"last_answer_ms": 7, "left_out": "evidence of 100100 bytes"}
    assert (slimmed.n, slimmed.step, slimmed.took_ms) == (1, "stop_service", 6)
    assert slim(step, 500) is step


async def test_of_many_inventories_the_newest_is_taken_and_none_too_often(monkeypatch):
    from fleet.gateway import inventories as module

    taken, enough = [], asyncio.Event()

    async def here(function, agent, facts, now):
        taken.append((agent, facts["n"]))
        if ("loud", 999) in taken and ("quiet", 1) in taken:
            enough.set()

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(module, "PAUSE_S", 0.05)
    inventories = Inventories()
    task = asyncio.create_task(inventories.take())
    for n in range(1000):
        inventories.put("loud", {"n": n})
        if n == 10:
            await asyncio.sleep(0)
    inventories.put("quiet", {"n": 1})
    await asyncio.wait_for(enough.wait(), 10)
    assert len(taken) <= 4
    task.cancel()


async def test_an_inventory_is_stored_before_the_answer_that_followed_it(monkeypatch):
    """Also when it waits for its pause, or is being stored at this moment."""
    from fleet.gateway import inventories as module

    seen, slow, go_on, told = [], asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def here(function, agent, facts, now):
        if facts["n"] == 2:
            slow.set()
            await go_on.wait()
        seen.append((agent, facts["n"]))

    async def stored(batch, now):
        seen.extend((agent, answer) for agent, answer in batch)
        told.set()

    async def in_thread(function, *words):
        return await function(*words) if function is stored else None

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr("fleet.gateway.answers.in_thread", in_thread)
    inventories = Inventories()
    answers = Answers("a rehearsal", stored, inventories.take_now)
    tasks = [asyncio.create_task(inventories.take()), asyncio.create_task(answers.take())]
    for n in (1, 3):  # the second comes within the pause
        inventories.put("till", {"n": n})
        await answers.waiting.put("till", f"answer {n}")
        await asyncio.wait_for(told.wait(), 10)
        told.clear()
    inventories.put("other", {"n": 2})
    await asyncio.wait_for(slow.wait(), 10)
    await answers.waiting.put("other", "answer 2")
    go_on.set()
    await asyncio.wait_for(told.wait(), 10)
    assert seen == [
        ("till", 1), ("till", "answer 1"), ("till", 3), ("till", "answer 3"), ("other", 2), ("other", "answer 2"),
    ]  # fmt: skip
    for task in tasks:
        task.cancel()


async def test_one_inventory_that_fails_does_not_stop_the_others(monkeypatch):
    from django.db import OperationalError

    from fleet.gateway import inventories as module

    taken, tries, done = [], [], asyncio.Event()

    async def here(function, agent, facts, now):
        tries.append(agent)
        if agent == "bad":
            raise KeyError("nobody foresaw this")
        if agent == "locked" and tries.count("locked") == 1:
            raise OperationalError("database is locked")
        taken.append(agent)
        if len(taken) == 2:
            done.set()

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(module, "PAUSE_S", 0.05)
    inventories = Inventories()
    task = asyncio.create_task(inventories.take())
    for agent in ("bad", "locked", "good"):
        inventories.put(agent, {})
    await asyncio.wait_for(done.wait(), 10)
    assert sorted(taken) == ["good", "locked"]
    task.cancel()
