"""A night of one agent, recorded: `python -m tests.torn.scenario FOLDER ROLE LOG LIFE...`.

Every life is a process of its own, and starts as agents.agent does. The first is killed with an undo record
written but not flushed, the second and third with the settings renamed but their folder not flushed (on the way
forward, on the way back), the fourth before new settings are flushed; the fifth sees its switch fail and undoes
it. `again` is what an agent does on a disk that a power cut has left."""

import asyncio
import base64
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents import catalogue
from agents.clock import Clock
from agents.hosts import program
from agents.identity import Identity
from agents.lab.dialects import named
from agents.protocol import Action, Instruction
from agents.runner import Runner
from agents.storage.journal import Journal
from tests.torn.model import Machine, Model
from tests.torn.recorder import Recorder

SMALL_JOURNAL = 4000  # bytes after which it is rewritten here, so that this happens within a night


class Agent:
    """What agents.agent.run_agent puts together, with this program in the place of the gateway."""

    def __init__(self, model: Model, machine: Machine, recorder: Recorder) -> None:
        self.model, self.machine, self.recorder = model, machine, recorder
        self.identity = Identity(model.device / model.state)
        self.journal = Journal(model.device / model.journal)
        self.runner = Runner(model.host(), self.journal, Clock())

    async def start(self) -> None:
        """Whatever an earlier life has left unfinished."""
        if self.model.role == "server":
            if self.machine.services["NetPOSNet"].state == 4:
                await self.machine.listen(self.runner.host.scheme() == "https")
        else:
            ledger = self.journal.ledger
            await self.machine.speak(tls=not any(item.action == "undo" for item in ledger.unfinished()))
        await self.runner.recover()
        self.work = asyncio.ensure_future(self.runner.run())

    async def do(self, action: Action, seq: int, *, cutover: int = 7, wrong: bool = False) -> None:
        """One instruction to its end. wrong: with a certificate that the server does not show."""
        if self.model.role == "terminal":
            await self.machine.speak(tls=action != "undo")
        thumbprint = self.machine.other if wrong else self.machine.certificate.thumbprint
        steps = tuple(step.name for step in catalogue.steps_for(self.model.role, action))
        self.runner.changed.clear()
        self.runner.submit(Instruction(
            agent="a1", seq=seq, epoch=seq, cutover=cutover, action=action, to_scheme="https",
            steps=steps if action in ("arm", "switch") else (), port=self.machine.port, thumbprint=thumbprint, member="1001",
            expires_ms=7_000_000_000_000, lease_ms=60_000, probe=named.of("rest").profile(),
        ))  # fmt: skip
        await self.runner.changed.wait()

    def acked(self) -> None:
        """The dashboard has every report."""
        self.journal.acked(self.journal.ledger.last_n)

    def die_after(self, needle: bytes, flushes: int = 0) -> None:
        """See Recorder."""
        self.recorder.die_after(needle, flushes)


async def first(agent: Agent) -> None:
    await agent.start()
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    agent.identity.enrolled("a1", base64.b64encode(key).decode())
    await agent.do("arm", 1)
    agent.acked()
    agent.die_after(b'"step":"%s","saved"' % agent.model.step.encode())
    await agent.do("switch", 2)


async def second(agent: Agent) -> None:
    agent.die_after(b"True</", 1)
    await agent.start()


async def third(agent: Agent) -> None:
    await agent.start()
    agent.acked()
    agent.die_after(b"False</", 1)
    await agent.do("undo", 3)


async def fourth(agent: Agent) -> None:
    await agent.start()
    agent.acked()
    agent.die_after(b"True</")
    await agent.do("switch", 4, cutover=8, wrong=True)


async def fifth(agent: Agent) -> None:
    await agent.start()
    await agent.do("arm", 5, cutover=9)
    await agent.do("switch", 6, cutover=9)
    agent.acked()
    await agent.do("undo", 7, cutover=9)


async def again(agent: Agent) -> None:
    await agent.start()
    agent.acked()
    await agent.do("undo", 9)


Life = Callable[[Agent], Awaitable[None]]
LIVES: dict[str, Life] = {life.__name__: life for life in (first, second, third, fourth, fifth, again)}
KILLED = frozenset({"first", "second", "third", "fourth"})


def live(model: Model, log: Path, name: str) -> None:
    """One life, in this process."""
    from agents.storage import journal

    journal.COMPACT_BYTES = SMALL_JOURNAL
    machine = Machine.load(model)
    program.run = machine.run
    recorder = Recorder(log)

    async def run() -> None:
        await LIVES[name](Agent(model, machine, recorder))

    asyncio.run(run())


def main(folder: str, role: str, log: str, *lives: str) -> int:
    """Returns 0 if every life has ended as it was to end. They are forked, so that Python starts only once."""
    for name in lives:
        pid = os.fork()
        if pid == 0:
            live(Model(Path(folder), "server" if role == "server" else "terminal"), Path(log), name)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status != (9 if name in KILLED else 0):
            sys.stderr.write(f"life {name} ended with status {status}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
