"""The gateway's desk: a batch of reports that cannot be taken must not stop the others."""

import pytest
from django.db import DataError, OperationalError

from agents.protocol import Finished
from fleet import tasks
from fleet.gateway import desk as module
from fleet.services import reports
from fleet.services.outcome import Next


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
        return Next(), {agent: r.n for agent, r in batch}

    monkeypatch.setattr(module, "in_thread", here)
    monkeypatch.setattr(reports, "take", take)
    monkeypatch.setattr(tasks, "follow", lambda after: None)
    return done


async def test_one_report_that_the_database_refuses_does_not_stop_the_others(taken):
    await module.Desk()._take([("a", report(1)), ("b", report(13)), ("c", report(2))])
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
    await module.Desk()._take([("a", report(1)), ("c", report(2))])
    assert taken == [1, 2]
    assert tries == [2, 2]
