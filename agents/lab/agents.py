"""Runs the real agents of the lab's terminals, several in one process, or the one of its server.

python -m agents.lab.agents --dir LAB --names A,B,C
python -m agents.lab.agents --dir LAB --server
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from agents import config, log
from agents.agent import run_agent
from agents.lab import process
from agents.lab.faults import Faults, LabFiles, LabNetwork
from agents.lab.layout import load
from agents.lab.touch import state
from agents.lab.touch.program import LabTouch

AGAIN_S = 1.0

logger = logging.getLogger("agents.lab")


async def run(lab: Path, names: list[str], *, server: bool) -> None:
    """Run these agents until cancelled."""
    layout, faults = load(lab), Faults(lab)
    works = [_agent(layout.agent_config(name), LabNetwork(faults, name), _touch(layout.terminal_dir(name))) for name in names]
    if server:
        # So that the same code as on Windows finds the emulated netsh and sc.
        os.environ["PATH"] = f"{layout.server_dir / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        works.append(_agent(layout.server_agent_config, LabNetwork(faults, None), None))
    await process.together(works)


def _touch(folder: Path) -> LabTouch | None:
    return None if state.read(folder) is None else LabTouch(folder)


async def _agent(path: Path, network: LabNetwork, touch: LabTouch | None) -> None:
    """Run one agent, for ever. An error in it must not end the other agents of this process."""
    while True:
        try:
            await run_agent(config.load(path), network=network, files=LabFiles(network), touch=touch)
        except Exception:
            logger.exception("the agent of %s ended; it will be restarted", path.parent.name)
        await asyncio.sleep(AGAIN_S)


def main() -> int:
    """The program's entry point; returns the exit code."""
    arguments = process.arguments("The lab's agents.", server=True)
    log.to_stderr()
    return process.serve(run(arguments.dir, arguments.names, server=arguments.server))


if __name__ == "__main__":
    sys.exit(main())
