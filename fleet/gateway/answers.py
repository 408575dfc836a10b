"""What agents answer in a rehearsal or to an inquiry, on its way into the database. Both can be repeated, so an answer that
cannot be kept is dropped, and cutovers never wait for one."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError

from agents.log import said
from fleet import tasks
from fleet.gateway.intake import Intake
from fleet.gateway.threads import in_thread
from fleet.services import clock
from fleet.services.after_commit import AfterCommit

log = logging.getLogger(__name__)

BATCH = 50  # answers in one transaction
EACH = 4  # answers of one agent that wait

T = TypeVar("T")
First = Callable[[Collection[str]], Awaitable[None]]
Store = Callable[[Sequence[tuple[str, T]], dt.datetime], AfterCommit]


class Answers(Generic[T]):
    """Answers of one kind. store: the service that puts a batch into the database. first: is awaited with the agents before
    their answers are stored."""

    def __init__(self, what: str, store: Store[T], first: First | None = None) -> None:
        self._what, self._store, self._first = what, store, first
        self.waiting: Intake[T] = Intake(EACH)

    async def take(self) -> None:
        """Put answers into the database, for ever."""
        while True:
            batch = await self.waiting.batch(BATCH)
            if self._first is not None:
                await self._first({agent for agent, _ in batch})
            await self._take(batch)

    async def _take(self, batch: list[tuple[str, T]]) -> None:
        try:
            after = await in_thread(self._store, batch, clock.now())
        except (DatabaseError, InterfaceError) as error:
            log.warning("%s answers to %s were not kept: %s", len(batch), self._what, said(error))
        except Exception:
            log.exception("%s answers to %s could not be taken", len(batch), self._what)
            if len(batch) > 1:
                for one in batch:
                    await self._take([one])
        else:
            await in_thread(tasks.follow, after)
