"""What all connections share: who is here, the queue of reports, and the nudges from the broker."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection

import redis.asyncio
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from agents import points, protocol
from fleet import tasks
from fleet.gateway.connection import Connection, Gone
from fleet.gateway.rehearsing import Rehearsing
from fleet.gateway.threads import in_thread
from fleet.services import agents, clock, instructions, reports, sweeps
from fleet.services.outcome import DROP_CHANNEL, NUDGE_CHANNEL, Next

log = logging.getLogger(__name__)

BATCH = 500
LOOK_S = 2.0  # how often instructions are looked for without a nudge: the broker may have been emptied
PRESENCE_S = 5.0


class Desk:
    """One per gateway process."""

    def __init__(self) -> None:
        self.here: dict[str, Connection] = {}
        self.reports: asyncio.Queue[tuple[str, protocol.Report]] = asyncio.Queue(maxsize=10_000)
        self.looks = Rehearsing(self._say)
        self._gone: set[str] = set()
        self._wanted: set[str] = set()
        self._again: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to work. Whoever was connected to a gateway before this one is not connected now. Waits for a
        database that is locked, full or away: granian serves on when this fails, and nobody would do the jobs."""
        while True:
            try:
                await in_thread(agents.nobody_connected)
                await in_thread(sweeps.give_grace, clock.now())
                break
            except (DatabaseError, InterfaceError) as error:
                log.warning("waiting for the database: %s", error)
                await asyncio.sleep(0.5)
        own = (self._take_reports, self._hand_out, self._listen, self._look, self._keep_presence)
        jobs = (*own, self.looks.take, self.looks.hand_out)
        self._tasks = [asyncio.create_task(self._for_ever(job)) for job in jobs]

    async def close(self) -> None:
        """Stop; agents keep what was not acknowledged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(c.end() for c in list(self.here.values())))

    async def arrived(self, connection: Connection) -> None:
        """An agent was recognised. If it has an older connection, that one ends."""
        older = self.here.get(connection.agent)
        self.here[connection.agent] = connection
        self._gone.discard(connection.agent)
        if older:
            await older.end("replaced", "the agent has connected again")
        self.nudge({connection.agent}, again=True)

    async def left(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection.agent and self.here.get(connection.agent) is connection:
            del self.here[connection.agent]
            self._gone.add(connection.agent)

    def nudge(self, agent_ids: Collection[str], *, again: bool = False) -> None:
        """These agents may have something waiting. again: also what was sent on an earlier connection."""
        (self._again if again else self._wanted).update(agent_ids)
        self._wake.set()
        self.looks.nudge(agent_ids, again=again)

    # -- the desk's own jobs; each goes on for ever

    async def _for_ever(self, job: Callable[[], Awaitable[None]]) -> None:
        """A job that fails in a way nobody foresaw begins anew. What it had in its hands is not lost: the agents
        connect again, and then say and are told again whatever is not done with."""
        while True:
            try:
                await job()
            except Exception:
                log.exception("%s failed and begins anew", job.__name__)
                await asyncio.gather(*(c.end() for c in list(self.here.values())))
                await asyncio.sleep(1)

    async def _take_reports(self) -> None:
        """Everything that has come in, in one transaction; acknowledged when it is committed."""
        while True:
            batch = [await self.reports.get()]
            while len(batch) < BATCH and not self.reports.empty():
                batch.append(self.reports.get_nowait())
            await self._take(batch)

    async def _take(self, batch: list[tuple[str, protocol.Report]]) -> None:
        try:
            after, acked = await self._in_database(batch)
        except Exception:
            log.exception("a batch of %s reports could not be taken", len(batch))
            if len(batch) > 1:
                for one in batch:
                    await self._take([one])
            return
        await asyncio.gather(*(self._say(agent, protocol.Ack(n)) for agent, n in acked.items()))
        points.reached("gateway.acks_sent")
        await in_thread(tasks.follow, after)

    async def _in_database(self, batch: list[tuple[str, protocol.Report]]) -> tuple[Next, dict[str, int]]:
        """What reports.take returns, however long the database is locked or away. A loop, and not a call of
        itself: an outage of some minutes must not end in a stack that is too deep."""
        while True:
            points.reached("gateway.take_begun")
            try:
                return await in_thread(reports.take, batch, clock.now())
            except (OperationalError, InterfaceError) as error:
                log.warning("%s reports not taken yet: %s", len(batch), error)
                await asyncio.sleep(0.5)

    async def _hand_out(self) -> None:
        """Send what is waiting for nudged agents that are here."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            again, self._again = self._again & self.here.keys(), set()
            wanted, self._wanted = (self._wanted & self.here.keys()) - again, set()
            try:
                await self._send_waiting(again, unsent_only=False)
                await self._send_waiting(wanted, unsent_only=True)
            except DatabaseError as error:
                log.warning("cannot hand out instructions yet: %s", error)
                self._again |= again
                self._wanted |= wanted
                await asyncio.sleep(0.5)
                self._wake.set()

    async def _send_waiting(self, agent_ids: set[str], *, unsent_only: bool) -> None:
        if not agent_ids:
            return
        rows = await in_thread(instructions.waiting, agent_ids, unsent_only=unsent_only)
        if rows:
            points.reached("gateway.instructions_read")
        sent = [row.pk for row in rows if await self._say(row.agent_id, protocol.Instruct(row.body, row.signature))]
        if sent:
            points.reached("gateway.instructions_sent")
            await in_thread(instructions.mark_sent, sent, clock.now())
            points.reached("gateway.instructions_marked")

    async def _listen(self) -> None:
        """Nudges and drops from the broker. Without a broker, _look finds the same a moment later."""
        while True:
            try:
                async with (
                    contextlib.aclosing(redis.asyncio.Redis.from_url(settings.REDIS_URL)) as broker,
                    broker.pubsub() as channel,
                ):
                    await channel.subscribe(NUDGE_CHANNEL, DROP_CHANNEL)
                    async for message in channel.listen():
                        if message["type"] == "message":
                            await self._heard(message["channel"].decode(), message["data"].decode().split())
            except (redis.RedisError, OSError) as error:
                log.warning("the broker cannot be reached: %s", error)
                await asyncio.sleep(0.5)

    async def _heard(self, channel: str, agent_ids: list[str]) -> None:
        if channel == NUDGE_CHANNEL:
            self.nudge(agent_ids)
            return
        for connection in [self.here[a] for a in agent_ids if a in self.here]:
            await connection.end("revoked", "this agent was revoked by an admin")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.nudge(set(self.here))

    async def _keep_presence(self) -> None:
        while True:
            gone, self._gone = self._gone, set()
            try:
                await in_thread(agents.presence, set(self.here), gone - self.here.keys(), clock.now())
            except DatabaseError as error:
                log.warning("presence not written: %s", error)
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
