"""Plays a night in a process of its own, and returns what both recorders have seen."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.torn import recorder, strace
from tests.torn.calls import Op, operations
from tests.torn.world import Tree, World, files

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Recording:
    """base and end: the device folder's files before and after; ops: what was done in between, as recorded in
    the agent's process; traced: the same from outside, None where strace cannot be used."""

    world: World
    base: Tree
    end: Tree
    ops: list[Op]
    traced: list[Op] | None


def record(world: World, *lives: str) -> Recording:
    """Raises RuntimeError when the agent did not come through its night."""
    base = files(world.device)
    calls, trace = world.folder / "calls.jsonl", world.folder / "trace.log"
    tracer = [] if strace.missing() else strace.command(trace)
    program = [sys.executable, "-m", "tests.torn.night", str(world.folder), world.role, str(calls), *lives]
    done = subprocess.run([*tracer, *program], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{world.role}: {done.stderr}")
    ops = operations(world.device, base, recorder.read(calls))
    # The first process only starts the others: whatever it has opened is Python's.
    traced = operations(world.device, base, strace.read(trace)[1:]) if tracer else None
    return Recording(world, base, files(world.device), ops, traced)
