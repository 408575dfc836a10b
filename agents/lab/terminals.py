"""Runs reference terminals, several in one process.

python -m agents.lab.terminals --dir LAB --names A,B,C
"""

import sys
from pathlib import Path

from agents.lab import process
from agents.lab.dialects import named as dialects
from agents.lab.faults import Faults
from agents.lab.layout import load
from agents.lab.terminal import Terminal


async def run(lab: Path, names: list[str]) -> None:
    """Run these terminals until cancelled."""
    faults, dialect = Faults(lab), dialects.of(load(lab).dialect)
    terminals = [Terminal(lab / "terminals" / name, faults, dialect) for name in names]
    await process.together([work for one in terminals for work in (one.run(), one.touch.run())])


def main() -> int:
    """The program's entry point; returns the exit code."""
    arguments = process.arguments("The lab's reference terminals.")
    return process.serve(run(arguments.dir, arguments.names))


if __name__ == "__main__":
    sys.exit(main())
