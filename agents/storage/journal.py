"""The agent's write-ahead record: how to undo is on disk before the act, a report until it is acknowledged.

Append-only, one JSON line per record with a CRC in front. What must survive a power cut is flushed
before the call returns: accepted instructions, undo records, undone marks, the end of an instruction.
A line that was torn by a crash is dropped when the file is read. When every report is acknowledged and
nothing runs, the file is rewritten (atomically) to what is still needed."""

import asyncio
import copy
import dataclasses
import json
import logging
import os
import zlib
from pathlib import Path
from typing import Any

from agents.protocol import Finding, Finished, Instruction, Proof, Report
from agents.storage import atomic, ledger
from agents.storage.ledger import Failure, Ledger, UndoRecord
from agents.winapi import access, retry_locked

log = logging.getLogger(__name__)

COMPACT_BYTES = 64 * 1024


class Journal:
    """One file in the state folder. Writing calls raise OSError when the record could not be kept, except
    where they say otherwise; then nothing has changed, here or on disk."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file; reads it. Raises OSError."""
        self.path = path
        self.ledger = Ledger()
        # Set when there is a new report. The transport clears it when it has sent all that it can.
        self.unsent = asyncio.Event()
        atomic.make_folder(path.parent)
        new = not path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        if new:
            access.make_private(path)
        self._unsaved: list[Report] = []
        self._end = 0
        self._end = self._load()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    # --- what happens, in the order in which it happens ------------------------------------------

    def accept(self, instruction: Instruction, *, offset_ms: int = 0, proof: Proof | None = None) -> None:
        """An instruction is taken on; from now on it ends only by a Finished. proof: it, as the dashboard signed it."""
        record = {"k": "accepted", "i": dataclasses.asdict(instruction), "offset": offset_ms}
        if proof is not None:
            record["proof"] = dataclasses.asdict(proof)
        self._append(record, flush=True)

    def start(self, seq: int, step: str) -> None:
        """A step begins. Not flushed: it counts crashes of this program, and those lose nothing."""
        self._append({"k": "start", "seq": seq, "step": step}, flush=False)

    def undo(self, instruction: Instruction, step: str, saved: dict[str, Any]) -> None:
        """What undoing this step will need. Must return before the step is applied."""
        record = {"k": "undo", "i": dataclasses.asdict(instruction), "step": step, "saved": saved}
        self._append(record, flush=True)

    def undone(self, cutover: int, step: str) -> None:
        """The step is as it was before."""
        self._append({"k": "undone", "cutover": cutover, "step": step}, flush=True)

    def failing(self, seq: int, failure: Failure) -> None:
        """The instruction has failed and is being undone: after a crash it must not go forward again."""
        finding = dataclasses.asdict(failure.finding)
        self._append({"k": "failing", "seq": seq, "finding": finding, "retryable": failure.retryable}, flush=True)

    def report(self, report: Report) -> Report:
        """Give the report its number and keep it until acked(). Never raises: on a full disk it stays in
        memory, and the instruction counts as unfinished should this program end before it can be kept."""
        report = dataclasses.replace(report, n=self.ledger.last_n + 1)
        self._unsaved.append(report)
        self.ledger.apply(ledger.report_record(report))
        try:
            self._save_reports()
        except OSError as error:
            log.error("report %s is kept in memory only: %s", report.n, error)
        self.unsent.set()
        return report

    def acked(self, n: int) -> None:
        """The dashboard has every report up to n. Never raises: forgetting this only sends some again."""
        self.ledger.apply({"k": "acked", "n": n})
        self._unsaved = [report for report in self._unsaved if report.n > n]
        try:
            self._save_reports()
            self._append({"k": "acked", "n": n}, flush=False)
            if self._end > COMPACT_BYTES and self.ledger.at_rest():
                self.compact()
        except OSError as error:
            log.warning("acknowledgement of %s is not kept: %s", n, error)

    def enrolled(self, *, marks: bool) -> None:
        """This device was enrolled (again); see Ledger.enrolled. What is to be undone, and what is under way, stays."""
        self._save_reports()
        before = copy.deepcopy(self.ledger)
        self.ledger.enrolled(marks=marks)
        try:
            self.compact()
        except OSError:
            self.ledger = before
            raise

    def compact(self) -> None:
        """Rewrite the file to what is still needed. It is closed meanwhile: Windows replaces no open file."""
        data = _line(self.ledger.snapshot())
        os.close(self._fd)
        self._fd = -1  # should it not open again, every write fails, and none goes to somebody else's file
        try:
            atomic.replace(self.path, data)
        finally:
            # Also when only the last flush failed: whichever file is there now is the one to go on with.
            self._fd = retry_locked.writing(lambda: os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0)))
            if os.read(self._fd, len(data) + 1) == data:
                self._end = len(data)

    # --- what is known ---------------------------------------------------------------------------

    def recover(self) -> list[Instruction]:
        """What was accepted and has not ended, oldest first."""
        return self.ledger.unfinished()

    def open_undo(self, cutover: int) -> list[UndoRecord]:
        """What is still to be undone in this cutover, in the order in which it was applied."""
        return self.ledger.open_undo(cutover)

    def pending(self) -> list[Report]:
        """Reports that the dashboard has not acknowledged, by number."""
        return list(self.ledger.outbox.values())

    # --- the file --------------------------------------------------------------------------------

    def _save_reports(self) -> None:
        while self._unsaved:
            report = self._unsaved[0]
            self._write(_line(ledger.report_record(report)), flush=isinstance(report, Finished))
            self._unsaved.pop(0)

    def _append(self, record: dict[str, Any], *, flush: bool) -> None:
        self._write(_line(record), flush=flush)
        self.ledger.apply(record)

    def _write(self, line: bytes, *, flush: bool) -> None:
        try:
            os.lseek(self._fd, self._end, os.SEEK_SET)
            atomic.write_all(self._fd, line)
            if flush:
                os.fsync(self._fd)
        except BaseException:
            # The next record is written over whatever part of this one is there.
            self._cut()
            raise
        self._end += len(line)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            log.warning("the journal's torn tail stays until the next record: %s", error)

    def _load(self) -> int:
        """Read the file into the ledger; returns the length of its good part and drops a torn tail."""
        data = b""
        while chunk := os.read(self._fd, 1 << 20):
            data += chunk
        lines = data.splitlines(keepends=True)
        records = [_record(line) for line in lines]
        for record in records:
            if record is not None:
                self.ledger.apply(record)
        if None not in records:
            end = len(data)
        elif records.index(None) == len(records) - 1:
            end = len(data) - len(lines[-1])
            log.warning("the journal's end was torn: %s bytes dropped", len(lines[-1]))
            os.ftruncate(self._fd, end)
        else:
            end = self._rescue(data)
        # What is read is relied on from here, and who wrote it may have died before it was flushed.
        os.fsync(self._fd)
        atomic.fsync_folder(self.path.parent)
        return end

    def _rescue(self, data: bytes) -> int:
        """A line in the middle is unreadable, which no crash of ours does: keep a copy for a person to look
        at, and go on with everything that can be read."""
        log.error("the journal is damaged in the middle; a copy is kept beside it")
        atomic.replace(self.path.with_suffix(".damaged"), data)
        self.compact()
        return self._end


def failure(code: str, message: str, remedy: str, *, retryable: bool = False) -> Failure:
    """Shorthand for a Failure with its Finding."""
    return Failure(Finding(code, message, remedy), retryable)


def _line(record: dict[str, Any]) -> bytes:
    body = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _record(line: bytes) -> dict[str, Any] | None:
    """The record in one line, None when it is torn or altered."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    if line[:8] != b"%08x" % zlib.crc32(body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record
