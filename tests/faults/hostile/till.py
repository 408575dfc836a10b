"""The hostile program itself. It does what its behaviours do unasked, once before it serves and once more in the
outage, when it is told to switch; then it answers as its manner is. What happens is told as JSON lines, so that whoever
started it can wait for it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from agents import protocol
from agents.clock import Clock
from agents.config import Config
from agents.files import Files
from agents.hosts.host import TerminalHost
from agents.hosts.inventory.inventory import Inventory
from agents.identity import Identity
from agents.net import Network
from agents.protocol import Instruction
from tests.faults.hostile import voice
from tests.faults.hostile.voice import GONE, Voice, Words, tell

PAUSE_S, BEAT_S = 0.3, 5.0

Lie = Callable[["Till", Words], Words]
Attack = Callable[["Till"], Awaitable[None]]
Beside = Callable[["Till", Voice], Awaitable[None]]
Response = Callable[["Till", Voice, Instruction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """hellos: what it makes of an honest hello, each on a connection of its own; attack: what it does unasked; beside:
    what it does on the connection on which it also serves; answer: how it answers an instruction, None where the
    behaviour has nothing to say about that; facts: what it makes of an honest inventory. late: only in the outage, not
    before."""

    name: str
    about: str
    hellos: tuple[Lie, ...] = ()
    attack: Attack | None = None
    beside: Beside | None = None
    answer: Response | None = None
    facts: Callable[[Words], Words] | None = None
    late: bool = False


@dataclass(slots=True)
class Till:
    """config: that of the terminal whose identity is used; answer: how it answers instructions; loot: signed
    instructions of others (body, signature). told: the last instruction, signed and read; held: what
    goes on in the background; poured: how many reports of a flood were sent."""

    config: Config
    behaviours: Sequence[Behaviour]
    answer: Response
    loot: Sequence[tuple[str, str]]
    rng: random.Random
    identity: Identity = field(init=False)
    clock: Clock = field(default_factory=Clock)
    told: Instruction | None = None
    signed: Words | None = None
    poured: int = 0
    held: list[asyncio.Task[None]] = field(default_factory=list)
    _hurt_for: int = 0

    def __post_init__(self) -> None:
        self.identity = Identity(self.config.state)
        self._inventory = Inventory(TerminalHost(self.config, Network(), Files()), self.clock)

    _inventory: Inventory = field(init=False)

    async def run(self) -> None:
        """Until it is killed."""
        await self._hurt(early=True)
        tell("opened")
        while True:
            try:
                async with self.speaking() as line:
                    await self._serve(line)
            except GONE as error:
                tell("closed", why=str(error))
            await asyncio.sleep(PAUSE_S)

    @contextlib.asynccontextmanager
    async def speaking(self, lie: Lie | None = None) -> AsyncIterator[Voice]:
        """A connection on which the gateway has said welcome. Raises one of GONE."""
        async with voice.connected(self.config) as line:
            challenge = await line.hear()
            self.clock.learn(challenge["now_ms"])
            words = voice.hello(self.identity, challenge["nonce"], proof=self.signed)
            await line.say(lie(self, words) if lie else words)
            welcome = await line.hear()
            line.n = welcome["acked"]
            yield line

    async def on_a_line(self, act: Callable[[Voice], Awaitable[None]]) -> bool:
        """Do this on a connection of its own; whether it came to its end, or else was cut off."""
        try:
            async with self.speaking() as line:
                await act(line)
        except GONE:
            return False
        return True

    async def facts(self) -> Words:
        """What an honest agent would tell of this device now."""
        return await self._inventory.facts()

    async def _hurt(self, *, early: bool) -> None:
        for behaviour in self.behaviours:
            if early and behaviour.late:
                continue
            for lie in behaviour.hellos:
                await self._try(behaviour.name, lambda lie=lie: self._introduce(lie))  # type: ignore[misc]
            if attack := behaviour.attack:
                await self._try(behaviour.name, lambda attack=attack: attack(self))  # type: ignore[misc]

    async def _introduce(self, lie: Lie) -> None:
        async with self.speaking(lie):
            pass

    async def _try(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except GONE as error:
            tell("stopped", behaviour=name, why=f"{type(error).__name__}: {error}"[:200])
        else:
            tell("done", behaviour=name)

    async def _serve(self, line: Voice) -> None:
        tell("welcomed", acked=line.n)
        await self.tell_facts(line)
        beside = [behaviour.beside(self, line) for behaviour in self.behaviours if behaviour.beside]
        tasks = [asyncio.ensure_future(self._quietly(work)) for work in (self._beat(line), *beside)]
        try:
            while True:
                words = await line.hear()
                if words["type"] == "Instruct":
                    await self._take(line, words)
        finally:
            for task in tasks:
                task.cancel()

    async def tell_facts(self, line: Voice) -> None:
        """Its inventory, as its behaviours make it."""
        facts = await self.facts()
        for behaviour in self.behaviours:
            facts = behaviour.facts(facts) if behaviour.facts else facts
        await line.say(voice.message("Inventory", facts=facts))

    async def _take(self, line: Voice, words: Words) -> None:
        self.signed = {"body": words["body"], "signature": words["signature"]}
        self.told = protocol.parse_instruction(words["body"])
        tell("told", action=self.told.action, cutover=self.told.cutover, seq=self.told.seq)
        if self.told.action == "switch" and self._hurt_for != self.told.cutover:
            # In the outage: each on a connection of its own, which ends this one; the instruction comes again.
            self._hurt_for = self.told.cutover
            await self._hurt(early=False)
            tell("hurt", cutover=self.told.cutover)
        await self.answer(self, line, self.told)
        tell("answered", action=self.told.action, cutover=self.told.cutover)
        await self.tell_facts(line)  # after each instruction, as an honest agent does

    async def _quietly(self, work: Awaitable[None]) -> None:
        with contextlib.suppress(*GONE):
            await work

    async def _beat(self, line: Voice) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await line.say(voice.message("Beat", now_ms=self.clock.now_ms()))
