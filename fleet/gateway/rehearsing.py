"""The gateway's part in a rehearsal: deliver the signed probes, take what was seen. A rehearsal can be repeated, so
an answer that cannot be kept is dropped, and cutovers never wait for one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from django.db import DatabaseError, InterfaceError

from agents import protocol
from agents.log import said
from fleet import tasks
from fleet.gateway.intake import Intake
from fleet.gateway.threads import in_thread
from fleet.services import clock
from fleet.services.rehearsals import lifecycle

log = logging.getLogger(__name__)

BATCH = 50
EACH = 4  # answers of one agent that wait
Say = Callable[[str, protocol.Message], Awaitable[bool]]


class Rehearsing:
    """One per gateway process. say(agent, message): send to an agent that is here, tells whether that went."""

    def __init__(self, say: Say) -> None:
        self.answers: Intake[protocol.Rehearsed] = Intake(EACH)
        self._say = say
        self._wanted: set[str] = set()
        self._again: set[str] = set()
        self._wake = asyncio.Event()

    def notify(self, agent_ids: Collection[str], *, again: bool) -> None:
        """These agents may have something waiting; again: also what was sent on an earlier connection."""
        (self._again if again else self._wanted).update(agent_ids)
        self._wake.set()

    async def deliver(self) -> None:
        """Send what is waiting, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            again, self._again = self._again, set()
            wanted, self._wanted = self._wanted - again, set()
            try:
                await self._send(again, unsent_only=False)
                await self._send(wanted, unsent_only=True)
            except (DatabaseError, InterfaceError) as error:
                log.warning("cannot deliver a rehearsal: %s", said(error))  # the hub notifies everybody every two seconds

    async def _send(self, agent_ids: set[str], *, unsent_only: bool) -> None:
        if not agent_ids:
            return
        checks = await in_thread(lifecycle.waiting, agent_ids, clock.now(), unsent_only=unsent_only)
        sent = [
            check.pk
            for check in checks
            if await self._say(check.agent_id or "", protocol.Rehearse(check.body, check.signature))
        ]
        if sent:
            await in_thread(lifecycle.mark_sent, sent, clock.now())

    async def take(self) -> None:
        """Put answers into the database, for ever."""
        while True:
            await self._take(await self.answers.batch(BATCH))

    async def _take(self, batch: list[tuple[str, protocol.Rehearsed]]) -> None:
        try:
            after = await in_thread(lifecycle.take, batch, clock.now())
        except (DatabaseError, InterfaceError) as error:
            log.warning("%s answers to a rehearsal were not kept: %s", len(batch), said(error))
        except Exception:
            log.exception("%s answers to a rehearsal could not be taken", len(batch))
            if len(batch) > 1:
                for one in batch:
                    await self._take([one])
        else:
            await in_thread(tasks.follow, after)
