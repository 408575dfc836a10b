"""Named places at which this program can be made to die, so that tests can try each of them.

Without the environment variable TILLWAY_FAULTS every call returns at once. With it, the variable names a JSON
file {"point": name, "times": n, "part": name}: whoever reaches that point kills its own process, as power loss
would, and the file says how often that is still to happen. With a part, only the process whose TILLWAY_PART is
that one dies, since some code runs in several. Imports nothing of ours; used by the agent and by the dashboard."""

import json
import os
import signal
import sys
import time

VARIABLE = "TILLWAY_FAULTS"
PART_VARIABLE = "TILLWAY_PART"

# A step forward: its undo is in the journal; it is applied; it is proved; its StepDone is in the journal.
FORWARD = ("saved", "applied", "proved", "reported")
# A step back: about to be undone; undone; its undo record is crossed out in the journal.
BACK = ("undoing", "undone", "marked")
# Steps that change nothing, so that nothing is saved and nothing undone.
ASKS_ONLY = frozenset({"ready", "verify_server", "interface_list", "member_lookup"})
# The agent's own life: an instruction is in the journal; its end is about to be written; its end is in the
# journal; a report is on the wire; an acknowledgement was taken; the agent has said who it is.
AGENT = ("accepted", "finishing", "finished", "report_sent", "ack_received", "hello_said")

_FILE = os.environ.get(VARIABLE)
_PART = os.environ.get(PART_VARIABLE)


def reached(name: str) -> None:
    """The program is at this point. Does not return if this point is to be fatal now."""
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
    """The count goes down under a lock before the process dies: exactly so many deaths, whoever comes first."""
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
    _DEADLY = signal.SIGTERM  # there os.kill ends a process at once, whatever the signal
else:
    _DEADLY = signal.SIGKILL


def _lock(file: int) -> None:
    """Wait for this file, and hold it until it is closed or its holder dies."""
    if sys.platform == "win32":
        import msvcrt

        while True:  # LK_LOCK gives up after ten tries; whoever holds it may be about to die
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.01)
            else:
                return
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
