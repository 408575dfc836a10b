"""What agents have said and nobody has taken yet, of each agent by itself: nobody's flood is in front of the others."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Intake(Generic[T]):
    """At most `each` of one agent wait here; with more, its own connection waits, and so does whoever is at its other
    end. Taken in turns, of each agent in the order in which they came."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._of: dict[str, deque[T]] = {}
        self._some = asyncio.Event()
        self._room: dict[str, asyncio.Event] = {}

    async def put(self, agent: str, item: T) -> None:
        """Waits for room."""
        while len(self._of.get(agent, ())) >= self._each:
            await self._room.setdefault(agent, asyncio.Event()).wait()
        self._of.setdefault(agent, deque()).append(item)
        self._some.set()

    async def batch(self, most: int) -> list[tuple[str, T]]:
        """Some of everybody's, at least one; waits for it."""
        await self._some.wait()
        share = max(1, most // len(self._of))
        taken: list[tuple[str, T]] = []
        for agent in list(self._of):
            waiting = self._of.pop(agent)
            for _ in range(min(share, len(waiting), most - len(taken))):
                taken.append((agent, waiting.popleft()))
            if waiting:
                self._of[agent] = waiting  # at the end: the others' turn comes first
            self._make_room(agent)
            if len(taken) == most:
                break
        if not self._of:
            self._some.clear()
        return taken

    def forget(self, agent: str) -> None:
        """This agent may not speak any more: what waits of it is not taken."""
        self._of.pop(agent, None)
        if not self._of:
            self._some.clear()
        self._make_room(agent)

    def _make_room(self, agent: str) -> None:
        if room := self._room.pop(agent, None):
            room.set()
