"""What the journal's records add up to. Pure: no file, no clock; journal.py feeds it line by line."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, cast

from agents import bounds, protocol
from agents.protocol import MOST, Finding, Finished, Instruction, Proof, Report, StepDone

ALONE = 0  # the cutover number of what an agent does by itself before it has heard of any cutover


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """How to take back one step: the instruction that did it, and what the step saved before."""

    instruction: Instruction
    step: str
    saved: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instruction is being undone."""

    finding: Finding
    retryable: bool = False


@dataclass(slots=True)
class Ledger:
    """epoch, seq: the highest ever accepted, but for numbers that no dashboard reaches: those are of a version that
    believed them (docs/reliability.md), and no mark. proof: the newest instruction as the dashboard signed it. last_n:
    number of the newest report. offset_ms: dashboard time minus wall clock when an instruction was last accepted. last:
    the newest instruction accepted. uncommitted: this device was told to switch, and the dashboard has not confirmed the
    cutover since."""

    epoch: int = 0
    seq: int = 0
    last_n: int = 0
    acked_n: int = 0
    offset_ms: int = 0
    instructions: dict[int, Instruction] = field(default_factory=dict)
    undo: dict[tuple[int, str], UndoRecord] = field(default_factory=dict)
    outbox: dict[int, Report] = field(default_factory=dict)
    starts: dict[tuple[int, str], int] = field(default_factory=dict)
    done: set[tuple[int, str]] = field(default_factory=set)
    failures: dict[int, Failure] = field(default_factory=dict)
    last_finished: Finished | None = None
    last: Instruction | None = None
    proof: Proof | None = None
    uncommitted: bool = False

    def apply(self, record: dict[str, Any]) -> None:
        """Take one record in. Applying a record twice changes nothing, except that starts are counted."""
        getattr(self, f"_on_{record['k']}")(record)

    def unfinished(self) -> list[Instruction]:
        """Accepted and not ended, oldest first."""
        return [self.instructions[seq] for seq in sorted(self.instructions)]

    def open_undo(self, cutover: int) -> list[UndoRecord]:
        """Undo records of this cutover that still stand, in the order of application."""
        return [record for (number, _), record in self.undo.items() if number == cutover]

    def at_rest(self) -> bool:
        """Nothing runs and nothing waits for an acknowledgement."""
        return not self.instructions and not self.outbox

    def enrolled(self, *, marks: bool) -> None:
        """This device was enrolled: the dashboard counts its reports from the beginning. marks: whether what was accepted
        before was for the same agent of the same dashboard; else its numbers say nothing about those that come."""
        self._count_anew()
        if not marks:
            self.epoch = self.seq = 0
            self.proof = None

    def snapshot(self) -> dict[str, Any]:
        """One record that stands for all so far."""
        return {
            "k": "snapshot",
            "epoch": self.epoch,
            "seq": self.seq,
            "last_n": self.last_n,
            "acked_n": self.acked_n,
            "offset": self.offset_ms,
            "instructions": [dataclasses.asdict(item) for item in self.unfinished()],
            "undo": [_undo_record(item) for item in self.undo.values()],
            "outbox": [report_record(item) for item in self.outbox.values()],
            "starts": [[seq, step, count] for (seq, step), count in self.starts.items()],
            "done": sorted([seq, step] for seq, step in self.done),
            "failures": [[seq, dataclasses.asdict(item)] for seq, item in self.failures.items()],
            "last_finished": report_record(self.last_finished) if self.last_finished else None,
            "last": dataclasses.asdict(self.last) if self.last else None,
            "proof": dataclasses.asdict(self.proof) if self.proof else None,
            "uncommitted": self.uncommitted,
        }

    def _on_snapshot(self, record: dict[str, Any]) -> None:
        self.epoch, self.seq, self.offset_ms = _mark(record["epoch"]), _mark(record["seq"]), record["offset"]
        for item in record["instructions"]:
            self.instructions[item["seq"]] = _instruction(item)
        for item in record["undo"]:
            self._on_undo(item)
        for item in record["outbox"]:
            self._keep(_report(item))
        self.last_n, self.acked_n = record["last_n"], record["acked_n"]
        if max(self.last_n, self.acked_n) > MOST:
            self._count_anew()
        self.starts = {(seq, step): count for seq, step, count in record["starts"]}
        self.done = {(seq, step) for seq, step in record["done"]}
        self.failures = {seq: Failure(Finding(**item["finding"]), item["retryable"]) for seq, item in record["failures"]}
        if record["last_finished"]:
            self.last_finished = cast(Finished, _report(record["last_finished"]))
        self.last = _instruction(record["last"]) if record["last"] else None
        self.proof = Proof(**record["proof"]) if record.get("proof") else None  # older versions kept none
        self.uncommitted = record["uncommitted"]

    def _on_accepted(self, record: dict[str, Any]) -> None:
        instruction = _instruction(record["i"])
        self.instructions[instruction.seq] = instruction
        self.epoch = max(self.epoch, _mark(instruction.epoch))
        self.seq = max(self.seq, _mark(instruction.seq))
        self.proof = Proof(**record["proof"]) if record.get("proof") else None
        self.offset_ms = record["offset"]
        self.last = instruction
        if instruction.action == "switch":
            self.uncommitted = True
            self._begin_cutover(instruction.cutover)

    def _begin_cutover(self, cutover: int) -> None:
        """A cutover goes forward: the way back is from now on the way back of this one. What the device
        did by itself, without any cutover (number 0), becomes a part of it."""
        kept = {}
        for (number, step), item in self.undo.items():
            if number == cutover:
                kept[(cutover, step)] = item
            elif number == ALONE:
                instruction = dataclasses.replace(item.instruction, cutover=cutover)
                kept[(cutover, step)] = UndoRecord(instruction, step, item.saved)
        self.undo = kept

    def _on_start(self, record: dict[str, Any]) -> None:
        key = (record["seq"], record["step"])
        self.starts[key] = self.starts.get(key, 0) + 1

    def _on_undo(self, record: dict[str, Any]) -> None:
        instruction = _instruction(record["i"])
        item = UndoRecord(instruction, record["step"], record["saved"])
        # The first record stands: a resumed step sees its own half-done work, not what was there before.
        self.undo.setdefault((instruction.cutover, record["step"]), item)

    def _on_undone(self, record: dict[str, Any]) -> None:
        self.undo.pop((record["cutover"], record["step"]), None)

    def _on_failing(self, record: dict[str, Any]) -> None:
        self.failures[record["seq"]] = Failure(Finding(**record["finding"]), record["retryable"])

    def _on_report(self, record: dict[str, Any]) -> None:
        report = _report(record)
        self._keep(report)
        if isinstance(report, StepDone):
            self.done.add((report.seq, report.step if report.direction == "forward" else f"undo {report.step}"))
        else:
            self._settle_commitment(report)
            if report.outcome != "refused" and report.seq in self.instructions:
                self._end(report)

    def _settle_commitment(self, report: Finished) -> None:
        """A good last check confirms a switch; a device that is as before has nothing to confirm."""
        good_check = report.action == "verify" and report.outcome == "done"
        as_before = report.restored and report.action in ("switch", "undo")
        if good_check or as_before:
            self.uncommitted = False

    def _on_acked(self, record: dict[str, Any]) -> None:
        n = record["n"]
        if n > MOST:
            return
        self.outbox = {number: report for number, report in self.outbox.items() if number > n}
        self.acked_n = max(self.acked_n, n)
        self.last_n = max(self.last_n, n)  # a number that the dashboard has seen is never used again

    def _keep(self, report: Report) -> None:
        if report.n >= MOST:
            report = dataclasses.replace(report, n=self.last_n + 1)
        # A gateway that did not take it would hear none that comes after it: it may be of a version that had no bounds,
        # or of a till whose clock was wrong.
        report = bounds.mended(report)
        self.last_n = max(self.last_n, report.n)
        if report.n > self.acked_n:
            self.outbox[report.n] = report

    def _count_anew(self) -> None:
        """Reports are numbered from 1 again, those that wait in their order."""
        waiting = list(self.outbox.values())
        self.outbox = {n: dataclasses.replace(report, n=n) for n, report in enumerate(waiting, 1)}
        self.last_n, self.acked_n = len(waiting), 0

    def _end(self, report: Finished) -> None:
        seq = report.seq
        self.instructions.pop(seq, None)
        self.failures.pop(seq, None)
        self.starts = {key: count for key, count in self.starts.items() if key[0] != seq}
        self.done = {key for key in self.done if key[0] != seq}
        self.last_finished = report


def report_record(report: Report) -> dict[str, Any]:
    """A report as a journal record."""
    return {"k": "report", "m": protocol.dump(report)}


def _report(record: dict[str, Any]) -> Report:
    return protocol.parse_own(record["m"])


def _mark(number: int) -> int:
    return number if number <= MOST else 0


def _undo_record(item: UndoRecord) -> dict[str, Any]:
    return {"k": "undo", "i": dataclasses.asdict(item.instruction), "step": item.step, "saved": item.saved}


def _instruction(data: dict[str, Any]) -> Instruction:
    return Instruction(**{**data, "steps": tuple(data["steps"])})
