"""One agent, from its configuration to the end of its process."""

import asyncio
import logging

from agents.clock import Clock
from agents.config import Config
from agents.deadman import DeadMan
from agents.files import Files
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.hosts.touch.program import TouchProgram
from agents.identity import Identity
from agents.net import Network
from agents.runner import Runner
from agents.storage.journal import Journal
from agents.transport import Transport

log = logging.getLogger(__name__)


def make_host(config: Config, network: Network, files: Files, touch: TouchProgram | None = None) -> Host:
    """The host of this configuration's role. touch: of a terminal; None: the one that fits this machine."""
    return ServerHost(config, network, files) if config.role == "server" else TerminalHost(config, network, files, touch)


async def run_agent(config: Config, *, network: Network, files: Files, touch: TouchProgram | None = None) -> None:
    """Run one agent until it is cancelled. What an earlier run left unfinished is brought to an end before
    the dashboard hears of this one. Raises OSError or AgentError when the state folder cannot be used."""
    identity = Identity(config.state)
    journal = Journal(config.state / "journal")
    clock = Clock()
    clock.assume(journal.ledger.offset_ms)
    runner = Runner(make_host(config, network, files, touch), journal, clock)
    try:
        await runner.recover()
        transport = Transport(config, network, identity, journal, clock, runner)
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.run())
            group.create_task(transport.run())
            group.create_task(DeadMan(runner).run())
    finally:
        journal.close()
