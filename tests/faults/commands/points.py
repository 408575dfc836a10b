"""`python -m tests.faults points [--json]`: every named point at which a process can be made to die."""

import argparse
import json
from dataclasses import asdict

from tests.faults import points

HELP = "List every point at which a process can die: the agents' steps forward and back, and the dashboard's services."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="as a JSON list")


def run(options: argparse.Namespace) -> int:
    """Print one line for each point, and their number. Returns the exit code."""
    found = points.every()
    if options.json:
        print(json.dumps([asdict(point) for point in found], indent=1))
        return 0
    for point in found:
        print(f"{point.name:<40} {point.where:<24} {' and '.join(point.ways)}")
    print(f"{len(found)} points")
    return 0
