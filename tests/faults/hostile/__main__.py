"""python -m tests.faults.hostile --config agent.toml --do NAME,NAME [--seed N] [--loot FILE]

Be hostile with the identity of the agent that this configuration is of, until killed. --loot: a JSON list of
[body, signature] of instructions to others. What happens is told on standard output, a JSON line each."""

import argparse
import asyncio
import json
import random
import sys
from pathlib import Path

from agents import config
from tests.faults.hostile.behaviours import BY_NAME, manner
from tests.faults.hostile.till import Till


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.hostile", description="A till that lies.")
    parser.add_argument("--config", type=Path, required=True, help="agent.toml of the terminal whose identity is used")
    parser.add_argument("--do", type=lambda text: text.split(","), required=True, help=", ".join(BY_NAME))
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance")
    parser.add_argument("--loot", type=Path, help="signed instructions of others")
    options = parser.parse_args()
    if unknown := [name for name in options.do if name not in BY_NAME]:
        parser.error(f"--do: {unknown[0]} is no behaviour")
    chosen = [BY_NAME[name] for name in options.do]
    loot = [tuple(row) for row in json.loads(options.loot.read_text(encoding="utf-8"))] if options.loot else []
    rng = random.Random(options.seed)
    asyncio.run(Till(config.load(options.config), chosen, manner(chosen), loot, rng).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
