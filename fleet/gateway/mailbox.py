"""Delivery: fetch what waits for agents in the database, send it, and mark it as sent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from typing import Generic, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError

from agents import protocol
from agents.log import said
from fleet.gateway.threads import in_thread

log = logging.getLogger(__name__)

RETRY_S = 0.5  # pause after the database has failed


class Item(Protocol):
    """One row that waits for an agent."""

    @property
    def pk(self) -> int:
        """Its key in its table."""

    @property
    def agent_id(self) -> str | None:
        """The agent that is to get it."""


T = TypeVar("T", bound=Item)
Say = Callable[[str, protocol.Message], Awaitable[bool]]


class Kind(Protocol[T]):
    """One kind of mail. `waiting` and `mark_sent` read and write the database; they run in a thread."""

    name: str  # for the log

    def waiting(self, agent_ids: Collection[str], *, unsent_only: bool) -> Sequence[T]:
        """What waits for these agents, in the order in which to send it. unsent_only: leave out what was sent before."""

    def message(self, item: T) -> protocol.Message:
        """The message that carries this item."""

    def mark_sent(self, ids: Collection[int]) -> None:
        """Write down that these items were sent."""


class Mailbox(Generic[T]):
    """Delivers one kind of mail to the agents of one gateway process.

    A notification only says "look": the mail itself is in the database, so a notification that is lost or comes
    twice does no harm."""

    def __init__(self, kind: Kind[T], say: Say, here: Set[str]) -> None:
        self._kind = kind
        self._say = say  # sends one message to one agent; tells whether it was sent
        self._here = here  # a live view: the agents that are connected now
        self._wanted: set[str] = set()  # agents that may have unsent mail
        self._again: set[str] = set()  # agents that need all of it again, because they have connected anew
        self._wake = asyncio.Event()

    def notify(self, agent_ids: Collection[str], *, again: bool = False) -> None:
        """These agents may have mail. again: send also what was sent on an earlier connection."""
        (self._again if again else self._wanted).update(agent_ids)
        self._wake.set()

    async def deliver(self) -> None:
        """Send what is waiting, for ever. After a database error it tries the same agents again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            again, self._again = self._again & self._here, set()
            wanted, self._wanted = (self._wanted & self._here) - again, set()
            try:
                await self._send(again, unsent_only=False)
                await self._send(wanted, unsent_only=True)
            except (DatabaseError, InterfaceError) as error:
                log.warning("cannot deliver %s yet: %s", self._kind.name, said(error))
                self._again |= again
                self._wanted |= wanted
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def _send(self, agent_ids: set[str], *, unsent_only: bool) -> None:
        if not agent_ids:
            return
        items = await in_thread(self._kind.waiting, agent_ids, unsent_only=unsent_only)
        sent = [item.pk for item in items if await self._say(item.agent_id or "", self._kind.message(item))]
        if sent:
            await in_thread(self._kind.mark_sent, sent)
