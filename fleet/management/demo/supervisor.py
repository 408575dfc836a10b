"""Keeps the demo's parts running: it starts them, and starts each again when it dies."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.1  # how often it looks for parts that have died
STOP_S = 5.0  # how long parts may take to end
# A part that dies within QUICK_DEATH_S is started after a pause, which grows, so that it cannot use up the machine.
QUICK_DEATH_S, MAX_WAIT_S = 2.0, 1.5


@dataclass
class Part:
    """One process to keep running."""

    group: str  # its name in processes.json; several parts may share one, and one of another name is not listed there
    argv: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    # Times of time.monotonic().
    started: float = 0.0
    deaths: int = 0  # quick ones, one after the other
    not_before: float = 0.0  # it is not started again before this time

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps all parts running, and writes their process ids to processes.json in the folder."""

    def __init__(self, folder: Path, groups: tuple[str, ...]) -> None:
        self.file = folder / "processes.json"
        self.groups = groups
        self.parts: list[Part] = []
        self.stopping = False
        self.written = False
        self.write()

    def start(self, part: Part) -> Part:
        """Start a part, and keep it running from now on."""
        self.parts.append(part)
        self._spawn(part)
        self.write()
        return part

    def look(self) -> None:
        """Start the parts again that have died."""
        for part in self.parts:
            if part.alive or self.stopping:
                continue
            if part.process is not None:
                self._bury(part)
                self.written = False
            if time.monotonic() >= part.not_before:
                self._spawn(part)
                self.written = False
        if not self.written:
            self.write()

    def run_until(self, done: Callable[[], bool], limit_s: float | None = None) -> bool:
        """Keep the parts running until done() or the limit. Returns whether it was done."""
        end = None if limit_s is None else time.monotonic() + limit_s
        while not self.stopping and (end is None or time.monotonic() < end):
            self.look()
            if done():
                return True
            time.sleep(LOOK_S)
        return False

    def stop(self) -> None:
        """End every part: SIGTERM, and after a while SIGKILL for its whole process group."""
        self.stopping = True
        for part in self.parts:
            _signal(part, signal.SIGTERM)
        end = time.monotonic() + STOP_S
        while any(p.alive for p in self.parts) and time.monotonic() < end:
            time.sleep(LOOK_S / 2)
        for part in self.parts:
            _signal(part, signal.SIGKILL)
            if part.process:
                part.process.wait()
        self.write()

    def write(self) -> None:
        """Replace processes.json atomically. On a full disk it is written later."""
        pids: dict[str, list[int]] = {"supervisor": [os.getpid()], **{g: [] for g in self.groups}}
        for part in self.parts:
            if part.alive and part.process and part.group in pids:
                pids[part.group].append(part.process.pid)
        temp = self.file.with_suffix(".tmp")
        try:
            temp.write_text(json.dumps(pids), encoding="utf-8")
            os.replace(temp, self.file)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        else:
            self.written = True

    def _spawn(self, part: Part) -> None:
        with part.log.open("ab") as log:
            part.process = subprocess.Popen(
                part.argv, env=part.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        part.started = time.monotonic()

    def _bury(self, part: Part) -> None:
        """A part has died: end what is left of its process group, and say when it may start again."""
        _signal(part, signal.SIGKILL)
        quick = time.monotonic() - part.started < QUICK_DEATH_S
        part.deaths = part.deaths + 1 if quick else 0
        part.not_before = time.monotonic() + min(0.1 * 2**part.deaths, MAX_WAIT_S) if quick else 0.0
        part.process = None


def _signal(part: Part, number: signal.Signals) -> None:
    """To the part's whole group: granian and Celery have children of their own."""
    if part.process:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(part.process.pid, number)
