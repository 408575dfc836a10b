"""`python -m agents.commands.close_window PID...`: ask the windows of these programs to close. An agent that is a service
starts it in the session of the user, because windows of another session cannot be seen. Nobody needs to type it."""

import argparse
import sys

from agents.winapi import top_windows
from agents.winapi.dll import Refused

ASKED, NO_WINDOW, FAILED = 0, 3, 1


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: ASKED, NO_WINDOW if none of these programs has an open window without a dialog, or FAILED."""
    parser = argparse.ArgumentParser(prog="python -m agents.commands.close_window", description="Ask programs to close.")
    parser.add_argument("pid", type=int, nargs="+", help="the process ids of the programs")
    options = parser.parse_args(arguments)
    try:
        return ASKED if top_windows.ask_to_close(options.pid) else NO_WINDOW
    except (Refused, OSError):
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
