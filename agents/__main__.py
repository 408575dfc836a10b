"""`python -m agents --config FILE [--config FILE ...] [--log FILE]`: run one agent, or several in one process.
`python -m agents profile …`: try a settings profile; `python -m agents probe …`: learn and try a probe profile;
`python -m agents find …`: look for service and settings: see agents/commands/."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from agents import config, log
from agents.agent import run_agent
from agents.commands import find, probe, profile
from agents.files import Files
from agents.net import Network

logger = logging.getLogger("agents")

_HELP = "Tillway's agent for terminals and servers. Other commands, each with --help: `profile`, `probe`, `find`."
_COMMANDS = {"profile": profile.main, "probe": probe.main, "find": find.main}


async def run(configs: list[config.Config]) -> None:
    """Run these agents until SIGTERM or SIGINT."""
    everything = asyncio.gather(*(run_agent(item, network=Network(), files=Files()) for item in configs))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends asyncio.run by itself
            loop.add_signal_handler(number, everything.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await everything


def main(arguments: list[str] | None = None) -> int:
    """Returns the process's exit code: 0 after a signal, 1 for a state folder that cannot be used, 2 for a
    configuration or a log file that cannot; those of agents/commands/ for the other commands."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in _COMMANDS:
        return _COMMANDS[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m agents", description=_HELP)
    parser.add_argument("--config", type=Path, action="append", required=True, help="TOML file, one per agent")
    parser.add_argument("--log", type=Path, help="write the log there, a few files of 5 MB, and not to stderr")
    options = parser.parse_args(arguments)
    log.to_stderr()
    try:
        if options.log:
            log.to_file(options.log)
        configs = [config.load(path) for path in options.config]
    except (config.ConfigError, OSError) as error:
        logger.error("%s", error)
        return 2
    try:
        asyncio.run(run(configs))
    except Exception:
        logger.exception("the agent ended")  # where there is no stderr, this is all that is left of it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
