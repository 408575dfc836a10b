"""The caller's side of the checking process: starts it, gives it one task at a time, and kills it when a task takes too
long. The caller survives whatever is in a certificate, and always has an answer."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fleet.management.preflight.limits import SECONDS, START_SECONDS
from fleet.preflight.certificate.batch import refusal
from fleet.preflight.certificate.codes import Code

ROOT = Path(__file__).resolve().parents[3]


class Internal(Exception):
    """An error of ours in the checking process, not of the input; the text says which."""


class CannotStart(Exception):
    """The checking process did not start."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    json: str  # on one line, as docs/preflight.md describes it
    cut_off: bool  # the process was killed, and the answer is check_timeout


class Guard:
    """A checking process. After it had to be killed, the next task starts a new one. Use as a context manager."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._pending = b""

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @property
    def pid(self) -> int | None:
        """The process id; None while no process runs."""
        return self._child.pid if self._child else None

    def ask_files(self, task: bytes) -> Reply:
        """The answer about files. Where the process was killed, the only finding is check_timeout, which names the file
        that was being read. Raises Internal for an error of ours."""
        self._ready()
        self._send("files", task)
        return self._reply()

    def ask_lines(self, lines: Sequence[bytes]) -> Iterator[Reply | Internal]:
        """The answers to lines of a batch, one each, in their order; an Internal as a value for an error of ours. When one
        line takes too long, the lines after it are answered by a new process."""
        sent = 0
        for place in range(len(lines)):
            if self._child is None or sent <= place:
                self._ready()
                self._send("lines", b"\n".join(lines[place:]))
                sent = len(lines)
            try:
                reply = self._reply()
            except Internal as error:
                yield error
                continue
            sent = place if reply.cut_off else sent
            yield reply

    def _ready(self) -> None:
        if self._child is None:
            self._start()

    def _reply(self) -> Reply:
        deadline, field = time.monotonic() + self._seconds, ""
        try:
            while (said := self._receive(deadline))[0] == "reading":
                field = json.loads(said[1])
        except TimeoutError:
            return self._cut_off(f"it did not end within {self._seconds:g} s", field)
        except EOFError:
            return self._cut_off("the checking process ended, most likely because memory ran out", field)
        if said[0] == "memory":
            return self._cut_off(f"it asked for {json.loads(said[1])}", field)
        if said[0] != "answer":
            raise Internal(json.loads(said[1]))
        return Reply(said[1].decode(), cut_off=False)

    def _cut_off(self, why: str, field: str) -> Reply:
        self._stop()
        message = f"{field}: the check was stopped: {why}" if field else f"the check was stopped: {why}"
        return Reply(json.dumps(refusal(Code.CHECK_TIMEOUT, message)), cut_off=True)

    def _start(self) -> None:
        # Its own process group and a minimal environment, so that it never sees the dashboard's secrets.
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
        self._pending = b""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "fleet.management.preflight.child"],
            cwd=ROOT,
            env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
        try:
            self._receive(time.monotonic() + START_SECONDS)
        except (TimeoutError, EOFError) as error:
            self._stop()
            raise CannotStart("the checking process did not start") from error

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # The process is gone; what it had not read does not matter.

    def _send(self, kind: str, task: bytes) -> None:
        """Sends a task. A process that does not take it is noticed when its answer does not come."""
        pipe, deadline = self._pipe("stdin"), time.monotonic() + self._seconds
        view = memoryview(f"{kind} {len(task)}\n".encode() + task)
        try:
            while view:
                _wait([], [pipe], deadline)
                view = view[os.write(pipe, view[:65536]) :]
        except (TimeoutError, BrokenPipeError):
            return

    def _receive(self, deadline: float) -> tuple[str, bytes]:
        pipe = self._pipe("stdout")
        parts = [self._pending]
        while b"\n" not in parts[-1]:
            _wait([pipe], [], deadline)
            if not (part := os.read(pipe, 1 << 20)):
                raise EOFError
            parts.append(part)
        line, _, self._pending = b"".join(parts).partition(b"\n")
        kind, _, content = line.partition(b" ")
        return kind.decode(), content

    def _pipe(self, name: str) -> int:
        pipe = getattr(self._child, name, None)
        if pipe is None:
            raise EOFError
        number: int = pipe.fileno()
        return number


def _wait(reading: list[int], writing: list[int], deadline: float) -> None:
    if not any(select.select(reading, writing, [], max(deadline - time.monotonic(), 0))):
        raise TimeoutError
