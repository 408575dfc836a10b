"""The agent's write-ahead journal: the undo record of a step is on disk before the step is applied, and a report stays on disk
until it is acknowledged.

The file is append-only: one JSON line for each record, with a CRC in front. Records that must survive a power cut are flushed
before the call returns: accepted instructions, undo records, undone marks, the end of an instruction. A line that a crash has
torn is dropped when the file is read. When every report is acknowledged and nothing runs, the file is rewritten atomically
with only what is still needed."""

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
    """One file in the state folder. The writing methods raise OSError if the record could not be written, unless they say
    otherwise. Then nothing has changed, in memory or on disk."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file, and reads it. Raises OSError."""
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
        """An instruction is accepted; from now on only a Finished ends it. proof: the instruction as the dashboard signed
        it."""
        record = {"k": "accepted", "i": dataclasses.asdict(instruction), "offset": offset_ms}
        if proof is not None:
            record["proof"] = dataclasses.asdict(proof)
        self._append(record, flush=True)

    def start(self, seq: int, step: str) -> None:
        """A step begins. Not flushed, because it is for counting crashes of this program, which lose no written data."""
        self._append({"k": "start", "seq": seq, "step": step}, flush=False)

    def undo(self, instruction: Instruction, step: str, saved: dict[str, Any]) -> None:
        """Write what undoing this step will need. Must return before the step is applied."""
        record = {"k": "undo", "i": dataclasses.asdict(instruction), "step": step, "saved": saved}
        self._append(record, flush=True)

    def undone(self, cutover: int, step: str) -> None:
        """The step has been undone."""
        self._append({"k": "undone", "cutover": cutover, "step": step}, flush=True)

    def failing(self, seq: int, failure: Failure) -> None:
        """The instruction has failed and will be undone: after a crash it must not go forward again."""
        finding = dataclasses.asdict(failure.finding)
        self._append({"k": "failing", "seq": seq, "finding": finding, "retryable": failure.retryable}, flush=True)

    def report(self, report: Report) -> Report:
        """Give the report its number and keep it until acked(). Never raises: if the disk is full, the report stays in
        memory, and if the program ends before it can be written, the instruction counts as unfinished."""
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
        """The dashboard has every report up to n. Never raises: if this is lost, some reports are only sent again."""
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
        """This device was enrolled (again); see Ledger.enrolled. Undo records and running instructions stay."""
        self._save_reports()
        before = copy.deepcopy(self.ledger)
        self.ledger.enrolled(marks=marks)
        try:
            self.compact()
        except OSError:
            self.ledger = before
            raise

    def compact(self) -> None:
        """Rewrite the file with only what is still needed. It is closed meanwhile, because Windows cannot replace an open
        file."""
        data = _line(self.ledger.snapshot())
        os.close(self._fd)
        self._fd = -1  # if it cannot be opened again, every write fails instead of going to another file with this number
        try:
            atomic.replace(self.path, data)
        finally:
            # Also after a failed flush: go on with whichever file is there now.
            self._fd = retry_locked.writing(lambda: os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0)))
            if os.read(self._fd, len(data) + 1) == data:
                self._end = len(data)

    # --- what is known ---------------------------------------------------------------------------

    def recover(self) -> list[Instruction]:
        """The instructions that were accepted and have not ended, oldest first."""
        return self.ledger.unfinished()

    def open_undo(self, cutover: int) -> list[UndoRecord]:
        """The undo records of this cutover that are not marked as undone, in the order of application."""
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
            # The next record overwrites the part of this one that was written.
            self._cut()
            raise
        self._end += len(line)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            log.warning("the journal's torn end stays until the next record: %s", error)

    def _load(self) -> int:
        """Read the file into the ledger. Drops a torn end, and returns the length of the good part."""
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
        # Flush what was read, because from here on it is relied upon, and its writer may have died before the flush.
        os.fsync(self._fd)
        atomic.fsync_folder(self.path.parent)
        return end

    def _rescue(self, data: bytes) -> int:
        """A line in the middle is unreadable, which a crash of the agent cannot cause. Keep a copy for a person, and go on with
        all lines that can be read."""
        log.error("the journal is damaged in the middle; a copy is kept beside it")
        atomic.replace(self.path.with_suffix(".damaged"), data)
        self.compact()
        return self._end


def failure(code: str, message: str, remedy: str, *, retryable: bool = False) -> Failure:
    """A Failure with a Finding made of these."""
    return Failure(Finding(code, message, remedy), retryable)


def _line(record: dict[str, Any]) -> bytes:
    body = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _record(line: bytes) -> dict[str, Any] | None:
    """The record in one line, None if it is torn or altered."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    if line[:8] != b"%08x" % zlib.crc32(body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record
