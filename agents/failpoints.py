"""Named places at which this program can be made to die, so that tests can try each of them.

Without the environment variable TILLWAY_FAULTS every call returns at once. The variable names a JSON file
{"point": name, "times": n, "part": name}. A process that reaches this point kills itself, as a power loss would, until that
has happened `times` times. If there is a part, only the process whose TILLWAY_PART has this value dies, because some code
runs in several processes. Imports nothing of ours; used by the agent and by the dashboard."""

import json
import os
import signal
import sys
import time

VARIABLE = "TILLWAY_FAULTS"
PART_VARIABLE = "TILLWAY_PART"

# A step forward: its undo record is in the journal; it is applied; it is verified; its StepDone is in the journal.
FORWARD = ("saved", "applied", "proved", "reported")
# A step back: about to be undone; undone; its undo record is marked as done in the journal.
BACK = ("undoing", "undone", "marked")
# Steps that change nothing: they save nothing and have nothing to undo.
ASKS_ONLY = frozenset({"ready", "verify_server", "interface_list", "member_lookup"})
# The agent's own life: an instruction is in the journal; its end is about to be written; its end is in the
# journal; a report is on the wire; an acknowledgement was taken; the agent has said who it is.
AGENT = ("accepted", "finishing", "finished", "report_sent", "ack_received", "hello_said")

_FILE = os.environ.get(VARIABLE)
_PART = os.environ.get(PART_VARIABLE)


def reached(name: str) -> None:
    """Call where the program is at this point. Kills the process if the fault file says so."""
    if _FILE:
        _look(_FILE, name)


def step(role: str, name: str, stage: str) -> None:
    """A step of this role is at this stage of FORWARD or BACK."""
    if _FILE:
        _look(_FILE, f"{role}.{name}.{stage}")


def agent(role: str, event: str) -> None:
    """The agent of this role is at this event of AGENT."""
    if _FILE:
        _look(_FILE, f"{role}.{event}")


def _look(path: str, name: str) -> None:
    """Kill the process if this point is named and its count is above 0. The count goes down under a lock first, so that with
    several processes exactly `times` die."""
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return
    try:
        _lock(file)
        order = json.loads(os.read(file, 10_000))
        if order.get("point") != name or order.get("times", 0) < 1:
            return
        if order.get("part") not in (None, _PART):
            return
        order["times"] -= 1
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, json.dumps(order).encode())
        os.kill(os.getpid(), _DEADLY)
    finally:
        os.close(file)


if sys.platform == "win32":
    _DEADLY = signal.SIGTERM  # on Windows, os.kill ends a process at once with any signal
else:
    _DEADLY = signal.SIGKILL


def _lock(file: int) -> None:
    """Wait for the lock of this file. It is released when the file is closed or the process dies."""
    if sys.platform == "win32":
        import msvcrt

        while True:  # LK_LOCK gives up after ten attempts, but the process that holds it may be about to die
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.01)
            else:
                return
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
