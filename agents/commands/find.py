"""`python -m agents find --config agent.toml`: look on this device for the service, the settings file and the like, and say why
each is believed to be right. It changes nothing."""

import argparse
import asyncio
import sys
from pathlib import Path

from agents import config
from agents.commands.console import show
from agents.errors import StepError
from agents.hosts.finding import looking
from agents.hosts.finding.proposal import State

_STATES: dict[State, str] = {
    "in_use": "  (this agent uses it)",
    "new": "  (to confirm on the Site page, or to write into agent.toml)",
    "fixed": "  (agent.toml says something else, which counts)",
    "told": "",
}


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 if something was found, 1 if nothing was, or it could not be looked for. Exits with 2 if the
    command line is wrong."""
    parser = argparse.ArgumentParser(prog="python -m agents find", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's configuration")
    options = parser.parse_args(arguments)
    try:
        proposals = asyncio.run(looking.find(config.load(options.config, settings_needed=False)))
    except (config.ConfigError, StepError, OSError) as error:
        show(sys.stderr, [f"{options.config}: {error}"])
        return 1
    if not proposals:
        show(sys.stderr, ["Nothing was found. Look on the server while NetPOS.Net runs, on a terminal where Touch is."])
        return 1
    for one in proposals:
        show(sys.stdout, [f"{one.field} = {one.value}{_STATES[one.state]}", f"    {one.reason}"])
    return 0
