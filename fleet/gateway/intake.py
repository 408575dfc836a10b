"""What agents have sent and nobody has stored yet. Each agent has its own queue, so that a flood from one of them does
not delay the others."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Intake(Generic[T]):
    """One queue for each agent. They are taken in turns, and each agent's items in the order in which they came."""

    def __init__(self, each: int) -> None:
        self._each = each  # at most so many items of one agent wait; put() waits when there are more
        self._of: dict[str, deque[T]] = {}  # the items by agent; no queue is empty
        self._some = asyncio.Event()  # set while there is an item
        self._room: dict[str, asyncio.Event] = {}  # by agents whose put() waits

    async def put(self, agent: str, item: T) -> None:
        """Add an item of this agent. Waits while `each` of its items are here."""
        while len(self._of.get(agent, ())) >= self._each:
            await self._room.setdefault(agent, asyncio.Event()).wait()
        self._of.setdefault(agent, deque()).append(item)
        self._some.set()

    async def batch(self, most: int) -> list[tuple[str, T]]:
        """At most `most` pairs of agent and item, some of every agent. Waits until there is one."""
        await self._some.wait()
        share = max(1, most // len(self._of))
        taken: list[tuple[str, T]] = []
        for agent in list(self._of):
            waiting = self._of.pop(agent)
            for _ in range(min(share, len(waiting), most - len(taken))):
                taken.append((agent, waiting.popleft()))
            if waiting:
                self._of[agent] = waiting  # at the end: it is the others' turn now
            self._make_room(agent)
            if len(taken) == most:
                break
        if not self._of:
            self._some.clear()
        return taken

    def forget(self, agent: str) -> None:
        """This agent may not speak any more: drop what waits of it."""
        self._of.pop(agent, None)
        if not self._of:
            self._some.clear()
        self._make_room(agent)

    def _make_room(self, agent: str) -> None:
        if room := self._room.pop(agent, None):
            room.set()
