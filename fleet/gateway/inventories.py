"""Inventories on their way into the database: the newest of each agent, with a pause between two of the same one."""

import asyncio
import datetime as dt
import logging
from collections.abc import Collection
from typing import Any

from django.db import DatabaseError, InterfaceError

from agents.log import said
from fleet import tasks
from fleet.gateway.threads import in_thread
from fleet.services import clock
from fleet.services.agents import admission
from fleet.services.cutovers import by_hand
from fleet.services.errors import Invalid

log = logging.getLogger(__name__)

PAUSE_S = 2.0  # between two inventories of one agent


class Inventories:
    """Inventories that are not stored yet. A newer one replaces an older one of the same agent."""

    def __init__(self) -> None:
        self._newest: dict[str, dict[str, Any]] = {}  # by agent
        self._taken_at: dict[str, float] = {}  # the event loop's time by agent
        self._wake = asyncio.Event()
        self._storing = asyncio.Lock()

    def put(self, agent: str, facts: dict[str, Any]) -> None:
        """Have this inventory stored, at once or in a moment."""
        self._newest[agent] = facts
        self._wake.set()

    def forget(self, agent: str) -> None:
        """This agent may not speak any more."""
        self._newest.pop(agent, None)

    async def take_now(self, agents: Collection[str]) -> None:
        """Store what waits of these agents, without the pause: what they send next is judged by it."""
        for agent in agents:
            async with self._storing:  # it may be under way
                await self._take(agent, asyncio.get_running_loop().time())

    async def take(self) -> None:
        """Put them into the database, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            self._taken_at = {agent: at for agent, at in self._taken_at.items() if now - at < PAUSE_S}
            for agent in [agent for agent in self._newest if agent not in self._taken_at]:
                async with self._storing:
                    await self._take(agent, now)
            if self._newest:
                await asyncio.sleep(PAUSE_S / 10)
                self._wake.set()

    async def _take(self, agent: str, now: float) -> None:
        facts = self._newest.pop(agent, None)
        if facts is None:
            return
        self._taken_at[agent] = now
        try:
            await in_thread(_store, agent, facts, clock.now())
        except Invalid as error:
            log.warning("agent %s: inventory not taken: %s", agent, said(error))
        except (DatabaseError, InterfaceError) as error:
            log.warning("agent %s: inventory not taken yet: %s", agent, said(error))
            self._newest.setdefault(agent, facts)
        except Exception:
            log.exception("an inventory of agent %s could not be taken", agent)


def _store(agent: str, facts: dict[str, Any], now: dt.datetime) -> None:
    """Store this inventory, and do what follows from it."""
    admission.take_inventory(agent, facts, now)
    tasks.follow(by_hand.recognise(agent, now))
