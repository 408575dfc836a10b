"""The hostile program itself. It carries out its attacks once before it serves, and once more in the outage, when it is
told to switch. Then it answers instructions in its own way. It prints what happens as JSON lines, so that the harness can
wait for it."""

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
    """One way to be hostile."""

    name: str
    about: str  # for people
    hellos: tuple[Lie, ...] = ()  # each changes an honest hello; each goes over a connection of its own
    attack: Attack | None = None  # what it does unasked
    beside: Beside | None = None  # what it does on the connection on which it also answers instructions
    answer: Response | None = None  # how it answers an instruction
    facts: Callable[[Words], Words] | None = None  # changes an honest inventory
    late: bool = False  # only in the outage, not before


@dataclass(slots=True)
class Till:
    """The program's state."""

    config: Config  # of the terminal whose identity it uses
    behaviours: Sequence[Behaviour]
    answer: Response  # how it answers instructions
    loot: Sequence[tuple[str, str]]  # body and signature of instructions for other agents
    rng: random.Random
    identity: Identity = field(init=False)
    clock: Clock = field(default_factory=Clock)
    told: Instruction | None = None  # its last instruction
    signed: Words | None = None  # the same as it was signed: body and signature
    poured: int = 0  # reports of a flood that were sent
    held: list[asyncio.Task[None]] = field(default_factory=list)  # what goes on in the background
    _hurt_for: int = 0  # the cutover in whose outage it has attacked already

    def __post_init__(self) -> None:
        self.identity = Identity(self.config.state)
        self._inventory = Inventory(TerminalHost(self.config, Network(), Files()), self.clock)

    _inventory: Inventory = field(init=False)

    async def run(self) -> None:
        """Run until it is killed."""
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
        """A connection on which the gateway has said welcome. lie: changes the honest hello. Raises one of GONE."""
        async with voice.connected(self.config) as line:
            challenge = await line.hear()
            self.clock.learn(challenge["now_ms"])
            words = voice.hello(self.identity, challenge["nonce"], proof=self.signed)
            await line.say(lie(self, words) if lie else words)
            welcome = await line.hear()
            line.n = welcome["acked"]
            yield line

    async def on_a_line(self, act: Callable[[Voice], Awaitable[None]]) -> bool:
        """Do this on a new connection. Returns False if it was cut off."""
        try:
            async with self.speaking() as line:
                await act(line)
        except GONE:
            return False
        return True

    async def facts(self) -> Words:
        """The inventory that an honest agent would send now."""
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
        """Send its inventory, as its behaviours change it."""
        facts = await self.facts()
        for behaviour in self.behaviours:
            facts = behaviour.facts(facts) if behaviour.facts else facts
        await line.say(voice.message("Inventory", facts=facts))

    async def _take(self, line: Voice, words: Words) -> None:
        self.signed = {"body": words["body"], "signature": words["signature"]}
        self.told = protocol.parse_instruction(words["body"])
        tell("told", action=self.told.action, cutover=self.told.cutover, seq=self.told.seq)
        if self.told.action == "switch" and self._hurt_for != self.told.cutover:
            # The attack in the outage. It uses connections of its own, which end this one; the instruction comes again.
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
