"""`python -m tests.faults points|trials|table|planted`: the commands of the harness. Each has a `--help`."""

import argparse
import signal
import sys

from tests.faults.commands import planted, points, table, trials

COMMANDS = {"points": points, "trials": trials, "table": table, "planted": planted}


def main(argv: list[str]) -> int:
    """Run the command that argv names and return its exit code, which is 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Hurt the product and see whether it holds.")
    chosen = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = chosen.add_parser(name, help=command.HELP, description=command.HELP)
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the demo is ended, too
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
