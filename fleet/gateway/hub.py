"""What all connections of a gateway process share: who is here, the queue of reports, and the notifications from the
broker."""

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
from fleet.gateway.answers import Answers
from fleet.gateway.connection import Connection, Gone
from fleet.gateway.intake import Intake
from fleet.gateway.inventories import Inventories
from fleet.gateway.limits import HELLO, Allowances, WaitingRoom
from fleet.gateway.mailbox import Mailbox
from fleet.gateway.put_off import PutOff
from fleet.gateway.threads import in_thread
from fleet.models import Agent
from fleet.services import clock
from fleet.services.after_commit import DROP_CHANNEL, NOTIFY_CHANNEL, AfterCommit
from fleet.services.agents import admission
from fleet.services.cutovers import reports, sweeps
from fleet.services.probes import inquiries
from fleet.services.rehearsals import lifecycle

log = logging.getLogger(__name__)

BATCH = 500  # reports in one transaction
EACH = 100  # reports of one agent that wait
LOOK_S = 2.0  # how often it looks for instructions and revocations without a notification: the broker may have lost one
PRESENCE_S = 5.0  # how often it writes down who is connected


class Hub:
    """One per gateway process."""

    def __init__(self) -> None:
        self.here: dict[str, Connection] = {}  # by agent
        self.reports: Intake[protocol.Report] = Intake(EACH)
        self.inventories = Inventories()
        # An agent sends its inventory before its answer, so that the rehearsal is judged by the device as it was then.
        self.rehearsed: Answers[protocol.Rehearsed] = Answers("a rehearsal", lifecycle.take, self.inventories.take_now)
        self.inquired: Answers[protocol.Inquired] = Answers("an inquiry", inquiries.take)
        self.instructions = Mailbox(mail.Instructions(), self._say, self.here.keys())
        self.probes = Mailbox(mail.Probes(), self._say, self.here.keys())
        self.inquiries = Mailbox(mail.Inquiries(), self._say, self.here.keys())
        self.unidentified = WaitingRoom()
        self.allowances = Allowances(lambda: asyncio.get_running_loop().time())
        self.put_off = PutOff(lambda: asyncio.get_running_loop().time())
        self._newest: dict[str, int] = {}  # the number of each agent's newest recognised connection
        self._recognising: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._gone: set[str] = set()  # agents that have left, which the database does not know yet
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to work. Marks all agents as not connected, because they were connected to a gateway before this one.
        Waits for a database that is locked, full or away: if this raised, granian would serve on without the jobs."""
        while True:
            try:
                await in_thread(admission.nobody_connected)
                await in_thread(sweeps.give_grace, clock.now())
                break
            except (DatabaseError, InterfaceError) as error:
                log.warning("waiting for the database: %s", said(error))
                await asyncio.sleep(0.5)
        own = (self._take_reports, self._listen, self._look, self._keep_presence)
        deliveries = (self.instructions.deliver, self.probes.deliver, self.inquiries.deliver)
        jobs = (*own, *deliveries, self.inventories.take, self.rehearsed.take, self.inquired.take)
        self._tasks = [asyncio.create_task(self._for_ever(job)) for job in jobs]

    async def close(self) -> None:
        """Stop. Agents keep the reports that were not acknowledged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(c.end() for c in list(self.here.values())))

    async def recognise(self, connection: Connection, hello: protocol.Hello, nonce: str) -> Agent:
        """The agent that says hello. Raises AgentRejected.

        Two hellos of the same agent are looked at one after the other, and one from an older connection is refused: it
        may come from a process that has died since, and must not look like a second program with the same identity."""
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
            if not self.allowances.spend(agent.pk, connection.size, HELLO):  # only now it is known which agent this is
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
        self.inquiries.notify(agent_ids, again=again)

    # -- the hub's own jobs; each runs for ever

    async def _for_ever(self, job: Callable[[], Awaitable[None]]) -> None:
        """Run this job, and start it again when it fails in an unexpected way. The other jobs and the connections do not
        notice. What it was sending is not lost: everything unfinished is sent again to all connected agents."""
        while True:
            try:
                await job()
            except Exception:
                log.exception("%s failed and begins anew", job.__qualname__)
                await asyncio.sleep(1)
                self.notify(set(self.here), again=True)

    async def _take_reports(self) -> None:
        """Store the reports that have come in, a batch in one transaction, and acknowledge them after its commit."""
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
        """What reports.take returns, however long the database is locked or away. This is a loop and not a recursion,
        because an outage of some minutes must not overflow the stack."""
        while True:
            failpoints.reached("gateway.take_begun")
            try:
                return await in_thread(reports.take, batch, clock.now())
            except (OperationalError, InterfaceError) as error:
                log.warning("%s reports not taken yet: %s", len(batch), said(error))
                await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        """Hear notifications from the broker. Without a broker, _look finds the same a moment later."""
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
        """Find without the broker who must be cut off, and who has something waiting."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.notify(set(self.here))
            await self._drop_shut_out(set(self.here))
            for agent_id in self.put_off.due():
                if connection := self.here.get(agent_id):
                    await connection.end()  # it connects again, and sends what was not acknowledged

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
        """This agent may not speak any more: end its connection, and drop what waits of it."""
        self.reports.forget(agent_id)
        self.inventories.forget(agent_id)
        self.rehearsed.waiting.forget(agent_id)
        self.inquired.waiting.forget(agent_id)
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
