"""What all connections share: who is here, the queue of reports, and the notifications from the broker."""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Awaitable, Callable, Collection

import redis.asyncio
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from agents import failpoints, protocol
from agents.log import said
from fleet import tasks
from fleet.gateway import mail
from fleet.gateway.connection import Connection, Gone
from fleet.gateway.intake import Intake
from fleet.gateway.inventories import Inventories
from fleet.gateway.limits import HELLO, Allowances, WaitingRoom
from fleet.gateway.mailbox import Mailbox
from fleet.gateway.put_off import PutOff
from fleet.gateway.rehearsing import Rehearsing
from fleet.gateway.threads import in_thread
from fleet.models import Agent
from fleet.services import clock
from fleet.services.after_commit import DROP_CHANNEL, NOTIFY_CHANNEL, AfterCommit
from fleet.services.agents import admission
from fleet.services.cutovers import reports, sweeps

log = logging.getLogger(__name__)

BATCH = 500
EACH = 100  # reports of one agent that wait to be taken
LOOK_S = 2.0  # how often instructions and revocations are looked for without a notification: the broker may have been emptied
PRESENCE_S = 5.0


class Hub:
    """One per gateway process."""

    def __init__(self) -> None:
        self.here: dict[str, Connection] = {}
        self.reports: Intake[protocol.Report] = Intake(EACH)
        self.inventories = Inventories()
        self.rehearsing = Rehearsing()
        self.instructions = Mailbox(mail.Instructions(), self._say, self.here.keys())
        self.probes = Mailbox(mail.Probes(), self._say, self.here.keys())
        self.unidentified = WaitingRoom()
        self.allowances = Allowances(lambda: asyncio.get_running_loop().time())
        self.put_off = PutOff(lambda: asyncio.get_running_loop().time())
        self._newest: dict[str, int] = {}
        self._recognising: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._gone: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to work. Whoever was connected to a gateway before this one is not connected now. Waits for a
        database that is locked, full or away: granian serves on when this fails, and nobody would do the jobs."""
        while True:
            try:
                await in_thread(admission.nobody_connected)
                await in_thread(sweeps.give_grace, clock.now())
                break
            except (DatabaseError, InterfaceError) as error:
                log.warning("waiting for the database: %s", said(error))
                await asyncio.sleep(0.5)
        own = (self._take_reports, self._listen, self._look, self._keep_presence)
        deliveries = (self.instructions.deliver, self.probes.deliver)
        jobs = (*own, *deliveries, self.inventories.take, self.rehearsing.take)
        self._tasks = [asyncio.create_task(self._for_ever(job)) for job in jobs]

    async def close(self) -> None:
        """Stop; agents keep what was not acknowledged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(c.end() for c in list(self.here.values())))

    async def recognise(self, connection: Connection, hello: protocol.Hello, nonce: str) -> Agent:
        """Who says hello. Of one agent one at a time and in the order in which its connections were opened: what a
        process said that has died since must not pass for one that is there beside the newer one. Raises AgentRejected."""
        lock = self._recognising.setdefault(hello.agent, asyncio.Lock())
        async with lock:
            if connection.number < self._newest.get(hello.agent, 0):
                raise admission.AgentRejected("replaced", "the agent has connected again")
            if self.allowances.is_spent(hello.agent):
                raise admission.too_much()
            try:
                agent = await in_thread(admission.recognise, hello, nonce, clock.now())
            except admission.AgentRejected as rejected:
                if rejected.code == "identity_used_twice":
                    await self._drop(hello.agent, rejected.code)
                raise
            self._newest[agent.pk] = connection.number
            if not self.allowances.spend(agent.pk, connection.size, HELLO):  # now it is known who has said it
                raise admission.too_much()
            return agent

    async def arrived(self, connection: Connection) -> None:
        """An agent was recognised. If it has an older connection, that one ends."""
        older = self.here.get(connection.agent)
        self.here[connection.agent] = connection
        self._gone.discard(connection.agent)
        if older:
            await older.end("replaced", "the agent has connected again")
        self.notify({connection.agent}, again=True)

    async def left(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection.agent and self.here.get(connection.agent) is connection:
            del self.here[connection.agent]
            self._gone.add(connection.agent)

    def notify(self, agent_ids: Collection[str], *, again: bool = False) -> None:
        """These agents may have something waiting. again: also what was sent on an earlier connection."""
        self.instructions.notify(agent_ids, again=again)
        self.probes.notify(agent_ids, again=again)

    # -- the hub's own jobs; each goes on for ever

    async def _for_ever(self, job: Callable[[], Awaitable[None]]) -> None:
        """A job that fails in a way nobody foresaw begins anew, and the others and the connections do not notice. What
        it had in its hands is not lost: whoever is here is told again what is not done with."""
        while True:
            try:
                await job()
            except Exception:
                log.exception("%s failed and begins anew", job.__qualname__)
                await asyncio.sleep(1)
                self.notify(set(self.here), again=True)

    async def _take_reports(self) -> None:
        """Everything that has come in, in one transaction; acknowledged when it is committed."""
        while True:
            await self._take(await self.reports.batch(BATCH))

    async def _take(self, batch: list[tuple[str, protocol.Report]]) -> None:
        try:
            after, acked = await self._in_database(batch)
        except Exception:
            log.exception("a batch of %s reports could not be taken", len(batch))
            if len(batch) == 1:
                self.put_off.again(batch[0][0])
                return
            for one in batch:
                await self._take([one])
            return
        said_up_to = {agent: report.n for agent, report in batch}
        for agent, n in acked.items():
            await self._say(agent, protocol.Ack(n))
            (self.put_off.taken if n >= said_up_to[agent] else self.put_off.again)(agent)
        failpoints.reached("gateway.acks_sent")
        try:
            await in_thread(tasks.follow, after)
        except Exception:
            log.exception("what follows from %s reports is left to the sweep", len(batch))

    async def _in_database(self, batch: list[tuple[str, protocol.Report]]) -> tuple[AfterCommit, dict[str, int]]:
        """What reports.take returns, however long the database is locked or away. A loop, and not a call of
        itself: an outage of some minutes must not end in a stack that is too deep."""
        while True:
            failpoints.reached("gateway.take_begun")
            try:
                return await in_thread(reports.take, batch, clock.now())
            except (OperationalError, InterfaceError) as error:
                log.warning("%s reports not taken yet: %s", len(batch), said(error))
                await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        """Notifications and drops from the broker. Without a broker, _look finds the same a moment later."""
        while True:
            try:
                async with (
                    contextlib.aclosing(redis.asyncio.Redis.from_url(settings.REDIS_URL)) as broker,
                    broker.pubsub() as channel,
                ):
                    await channel.subscribe(NOTIFY_CHANNEL, DROP_CHANNEL)
                    async for message in channel.listen():
                        if message["type"] == "message":
                            await self._heard(message["channel"].decode(), message["data"].decode().split())
            except (redis.RedisError, OSError) as error:
                log.warning("the broker cannot be reached: %s", error)
                await asyncio.sleep(0.5)

    async def _heard(self, channel: str, agent_ids: list[str]) -> None:
        if channel == NOTIFY_CHANNEL:
            self.notify(agent_ids)
        else:
            await self._drop_shut_out(agent_ids)

    async def _look(self) -> None:
        """Without the broker: who must go, and who has something waiting."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.notify(set(self.here))
            await self._drop_shut_out(set(self.here))
            for agent_id in self.put_off.due():
                if connection := self.here.get(agent_id):
                    await connection.end()  # it connects again, and says what was not acknowledged

    async def _drop_shut_out(self, agent_ids: Collection[str]) -> None:
        here = [agent_id for agent_id in agent_ids if agent_id in self.here]
        if not here:
            return
        try:
            codes = await in_thread(admission.shut_out, here)
        except (DatabaseError, InterfaceError) as error:
            log.warning("cannot look who must go: %s", said(error))  # the next look is in a moment
            return
        await asyncio.gather(*(self._drop(agent_id, code) for agent_id, code in codes.items()))

    async def _drop(self, agent_id: str, code: str) -> None:
        """This agent may not speak any more: its connection ends, and what waits of it is not taken."""
        self.reports.forget(agent_id)
        self.inventories.forget(agent_id)
        self.rehearsing.answers.forget(agent_id)
        if connection := self.here.pop(agent_id, None):
            self._gone.add(agent_id)
            await connection.end(code, admission.words_for(code))

    async def _keep_presence(self) -> None:
        while True:
            gone, self._gone = self._gone, set()
            try:
                await in_thread(admission.presence, set(self.here), gone - self.here.keys(), clock.now())
            except DatabaseError as error:
                log.warning("presence not written: %s", said(error))
                self._gone |= gone
            for _ in range(10):
                await asyncio.sleep(PRESENCE_S / 10)
                if self._gone:
                    break

    async def _say(self, agent_id: str, message: protocol.Message) -> bool:
        connection = self.here.get(agent_id)
        if connection is None:
            return False
        try:
            await connection.say(message)
        except Gone:
            return False
        return True
