"""Plays a night in a process of its own, and returns what both recorders have seen."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.torn import recorder, strace
from tests.torn.calls import Op, operations
from tests.torn.model import Model, Tree, files

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Recording:
    """base and end: the device folder's files before and after; ops: what was done in between, as recorded in
    the agent's process; traced: the same from outside, None where strace cannot be used."""

    model: Model
    base: Tree
    end: Tree
    ops: list[Op]
    traced: list[Op] | None


def record(model: Model, *lives: str) -> Recording:
    """Raises RuntimeError when the agent did not come through its night."""
    base = files(model.device)
    calls, trace = model.folder / "calls.jsonl", model.folder / "trace.log"
    tracer = [] if strace.missing() else strace.command(trace)
    program = [sys.executable, "-m", "tests.torn.scenario", str(model.folder), model.role, str(calls), *lives]
    done = subprocess.run([*tracer, *program], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{model.role}: {done.stderr}")
    ops = operations(model.device, base, recorder.read(calls))
    # The first process only starts the others: whatever it has opened is Python's.
    traced = operations(model.device, base, strace.read(trace)[1:]) if tracer else None
    return Recording(model, base, files(model.device), ops, traced)
