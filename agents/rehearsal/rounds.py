"""The measuring part of a terminal's probe: lookups of seven kinds, in turns, so that other traffic on the network affects all
kinds equally."""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.hosts import asking, lookup
from agents.hosts.asking import Question
from agents.hosts.lookup import Target
from agents.protocol import LOOKUP_KINDS
from agents.rehearsal.wire import Measured


@dataclass(slots=True)
class Measure:
    """The measurements of one kind of lookup."""

    ms: list[float] = field(default_factory=list)  # of each lookup: how long the terminal would wait
    bytes: int = 0  # TCP payload of the last lookup, in both directions

    def add(self, ms: float, size: int) -> None:
        """Add a measurement."""
        self.ms.append(ms)
        self.bytes = size


@dataclass(frozen=True, slots=True)
class Asker:
    """How a terminal makes a lookup."""

    connect: Callable[[Target, ssl.SSLSession | None], Measured]  # returns a connection that is not open yet
    question: Question

    async def open(self, target: Target, session: ssl.SSLSession | None = None) -> Measured:
        """An open connection with the expected certificate. Raises StepError."""
        connection = self.connect(target, session)
        with lookup.explaining(target):
            await connection.open()
        try:
            lookup.compare(target, connection.thumbprint)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def ask(self, connection: Measured, target: Target) -> None:
        """One lookup. Raises StepError."""
        with lookup.explaining(target):
            response = await asking.send(connection, self.question)
        asking.check(target, self.question, response)


class Rounds:
    """Measures lookups. Call close() at the end."""

    def __init__(self, asker: Asker, targets: Mapping[str, Target], kept: Mapping[str, Measured]) -> None:
        """targets: the destinations of http, plain and https lookups; a missing one is not measured. kept: connections that are
        already open, by scheme; close() closes them, too."""
        self._asker, self._targets = asker, targets
        self._measures = {kind: Measure() for kind in LOOKUP_KINDS}
        self._kept = dict(kept)

    async def run(self, samples: int, pace_s: float = 0.0) -> None:
        """Make this many lookups of each kind. A round, with one of each kind, takes pace_s seconds: without a pace, the
        terminals of a site would measure the load that they cause themselves. Raises StepError."""
        await self._warm_up()
        kinds = [kind for kind in LOOKUP_KINDS if _scheme(kind) in self._targets]
        begun = time.monotonic()
        for number in range(samples):
            for place, kind in enumerate(random.sample(kinds, len(kinds))):
                at = number + (place + random.random()) / len(kinds)  # noqa: S311 - terminals must not run in step
                await asyncio.sleep(begun + at * pace_s - time.monotonic())
                await self._measure(kind)

    async def close(self) -> None:
        """Close all kept connections. Never raises."""
        for connection in self._kept.values():
            await connection.close()
        self._kept.clear()

    def facts(self) -> dict[str, Any]:
        """The facts `samples` and `bytes` for the answer."""
        samples = {kind: [round(ms, 2) for ms in measure.ms] for kind, measure in self._measures.items()}
        sizes = {kind: measure.bytes for kind, measure in self._measures.items() if measure.ms}
        return {"samples": samples, "bytes": sizes}

    async def _warm_up(self) -> None:
        """Open one connection of each scheme that stays open. Its first lookup is not measured."""
        for scheme in self._targets.keys() - self._kept.keys():
            connection = self._kept[scheme] = await self._asker.open(self._targets[scheme])
            await self._asker.ask(connection, self._targets[scheme])

    async def _measure(self, kind: str) -> None:
        scheme, _, way = kind.partition("_")
        target, measure = self._targets[scheme], self._measures[kind]
        if way == "kept":
            await self._again(self._kept[scheme], target, measure)
        elif way == "new":
            await self._anew(target, measure, None)
        elif (session := self._kept[scheme].session) is not None:
            await self._anew(target, measure, session)

    async def _again(self, connection: Measured, target: Target, measure: Measure) -> None:
        if not connection.alive:
            return  # the server closes after every response, so there is no kept connection to measure
        before, begun = connection.bytes, time.perf_counter()
        await self._asker.ask(connection, target)
        measure.add(_since(begun), connection.bytes - before)

    async def _anew(self, target: Target, measure: Measure, session: ssl.SSLSession | None) -> None:
        begun = time.perf_counter()
        connection = await self._asker.open(target, session)
        try:
            await self._asker.ask(connection, target)
            ms = _since(begun)
        finally:
            await connection.close()
        # If the server no longer knows the session, there was a full handshake, which must not count as a resumed one.
        if connection.resumed == (session is not None):
            measure.add(ms, connection.bytes)


def _scheme(kind: str) -> str:
    return kind.partition("_")[0]


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
