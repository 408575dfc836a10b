"""The gateway's hub: a batch of reports that cannot be taken must not stop the others."""

import asyncio

import pytest
from django.db import DataError, OperationalError

from agents.protocol import Finished
from fleet import tasks
from fleet.gateway import hub as module
from fleet.services.after_commit import AfterCommit
from fleet.services.cutovers import reports


def report(n):
    return Finished(n, 1, 1, 1, "arm", "done", 1, "http")


@pytest.fixture
def taken(monkeypatch):
    """What was put into the database; a report with the number 13 makes its whole batch fail."""
    done = []

    async def here(function, *args):
        return function(*args)

    def take(batch, now):
        if any(r.n == 13 for _, r in batch):
            raise DataError("no such number")
        done.extend(r.n for _, r in batch)
        return AfterCommit(), {agent: r.n for agent, r in batch}

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(reports, "take", take)
    monkeypatch.setattr(tasks, "follow", lambda after: None)
    return done


async def test_one_report_that_the_database_refuses_does_not_stop_the_others(taken):
    await module.Hub()._take([("a", report(1)), ("b", report(13)), ("c", report(2))])
    assert taken == [1, 2]


async def test_a_locked_database_is_tried_again_with_the_same_batch(taken, monkeypatch):
    take, tries = reports.take, []

    def locked_once(batch, now):
        tries.append(len(batch))
        if len(tries) == 1:
            raise OperationalError("database is locked")
        return take(batch, now)

    async def at_once(seconds):
        return None

    monkeypatch.setattr(reports, "take", locked_once)
    monkeypatch.setattr(module.asyncio, "sleep", at_once)
    await module.Hub()._take([("a", report(1)), ("c", report(2))])
    assert taken == [1, 2]
    assert tries == [2, 2]


@pytest.fixture
def at_once(monkeypatch):
    """Nobody sleeps; what is slept is counted."""
    slept = []
    sleep = asyncio.sleep

    async def count(seconds):
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(module.asyncio, "sleep", count)
    return slept


async def test_a_gateway_that_starts_while_the_disk_is_full_waits_and_then_works(taken, monkeypatch, at_once):
    # Once its jobs were never begun: it served on, took every report and acknowledged none.
    tries = []

    def full_at_first():
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("database or disk is full")

    monkeypatch.setattr(module.admission, "nobody_connected", full_at_first)
    monkeypatch.setattr(module.sweeps, "give_grace", lambda now: None)
    monkeypatch.setattr(module.admission, "presence", lambda here, gone, now: None)
    acknowledged = asyncio.Event()
    monkeypatch.setattr(tasks, "follow", lambda after: acknowledged.set())
    hub = module.Hub()
    await hub.open()
    await hub.reports.put("a", report(1))
    async with asyncio.timeout(10):
        await acknowledged.wait()
    assert (len(tries), taken) == (3, [1])
    await hub.close()


async def test_a_job_that_fails_begins_anew_and_nobody_else_notices(at_once):
    """Once every connection was ended with it. What it had in its hands is looked for again among those who are here."""
    hub, ended, runs = module.Hub(), [], []

    class Here:
        async def end(self):
            ended.append("a")

    async def job():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("nobody foresaw this")
        raise asyncio.CancelledError

    hub.here["a"] = Here()
    with pytest.raises(asyncio.CancelledError):
        await hub._for_ever(job)
    assert (ended, len(runs)) == ([], 2)
    assert (hub.instructions._again, hub.probes._again) == ({"a"}, {"a"})


async def test_what_follows_from_reports_may_fail_and_they_stay_taken(taken, monkeypatch):
    def fail(after):
        raise ValueError("nobody foresaw this")

    monkeypatch.setattr(tasks, "follow", fail)
    await module.Hub()._take([("a", report(1))])
    assert taken == [1]


async def test_a_failing_report_of_one_agent_costs_the_others_no_place(taken, monkeypatch):
    """Not only what the database refuses: whatever a service raises."""

    def take(batch, now):
        if any(agent == "bad" for agent, _ in batch):
            raise KeyError("nobody foresaw this")
        taken.extend(r.n for _, r in batch)
        return AfterCommit(), {agent: r.n for agent, r in batch}

    monkeypatch.setattr(reports, "take", take)
    await module.Hub()._take([("a", report(1)), ("bad", report(2)), ("c", report(3))])
    assert taken == [1, 3]


async def test_whose_reports_could_not_be_taken_comes_again_and_says_them(taken, monkeypatch):
    hub, ended = module.Hub(), asyncio.Event()

    class Line:
        async def say(self, message):
            return None

        async def end(self, code="", message=""):
            ended.set()

    hub.here["b"] = Line()
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module.admission, "shut_out", lambda here: {})
    monkeypatch.setattr(hub.put_off, "_now", lambda: 0.0)
    await hub._take([("a", report(1)), ("b", report(13))])
    looking = asyncio.create_task(hub._look())
    monkeypatch.setattr(hub.put_off, "_now", lambda: 100.0)
    await asyncio.wait_for(ended.wait(), 10)
    looking.cancel()
    assert taken == [1]
