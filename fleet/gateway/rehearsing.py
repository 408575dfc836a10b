"""What agents answer in a rehearsal, on its way into the database. A rehearsal can be repeated, so an answer that
cannot be kept is dropped, and cutovers never wait for one."""

import logging

from django.db import DatabaseError, InterfaceError

from agents import protocol
from agents.log import said
from fleet import tasks
from fleet.gateway.intake import Intake
from fleet.gateway.threads import in_thread
from fleet.services import clock
from fleet.services.rehearsals import lifecycle

log = logging.getLogger(__name__)

BATCH = 50  # answers in one transaction
EACH = 4  # answers of one agent that wait


class Rehearsing:
    """One per gateway process."""

    def __init__(self) -> None:
        self.answers: Intake[protocol.Rehearsed] = Intake(EACH)

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
