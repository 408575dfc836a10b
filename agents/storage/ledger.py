"""The state that follows from the journal's records. Pure: no file, no clock; journal.py passes it one record after another."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, cast

from agents import bounds, protocol
from agents.protocol import MOST, Finding, Finished, Instruction, Proof, Report, StepDone

ALONE = 0  # the cutover number for steps that an agent does by itself before its first cutover


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """How to undo one step."""

    instruction: Instruction  # the one that applied it
    step: str
    saved: dict[str, Any]  # what Step.save() returned


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instruction is being undone."""

    finding: Finding
    retryable: bool = False


@dataclass(slots=True)
class Ledger:
    """Everything that an agent must know after a restart."""

    # The highest numbers that were accepted. Numbers above MOST, which an older version may have accepted, do not count
    # (docs/reliability.md).
    epoch: int = 0
    seq: int = 0
    last_n: int = 0  # number of the newest report
    acked_n: int = 0  # the dashboard has all reports up to this one
    offset_ms: int = 0  # dashboard time minus wall clock when the last instruction was accepted
    instructions: dict[int, Instruction] = field(default_factory=dict)  # by seq: accepted and not ended
    undo: dict[tuple[int, str], UndoRecord] = field(default_factory=dict)  # by cutover and step: not undone yet
    outbox: dict[int, Report] = field(default_factory=dict)  # by number: reports that are not acknowledged
    starts: dict[tuple[int, str], int] = field(default_factory=dict)  # by seq and step: how often it was started
    done: set[tuple[int, str]] = field(default_factory=set)  # seq and step; "undo STEP" for an undone one
    failures: dict[int, Failure] = field(default_factory=dict)  # by seq: failed, and being undone
    last_finished: Finished | None = None
    last: Instruction | None = None  # the newest accepted instruction
    proof: Proof | None = None  # the same as the dashboard signed it
    uncommitted: bool = False  # this device was told to switch, and the dashboard has not confirmed the cutover since

    def apply(self, record: dict[str, Any]) -> None:
        """Apply one record. Applying a record twice has no further effect, except that starts are counted twice."""
        getattr(self, f"_on_{record['k']}")(record)

    def unfinished(self) -> list[Instruction]:
        """The instructions that were accepted and have not ended, oldest first."""
        return [self.instructions[seq] for seq in sorted(self.instructions)]

    def open_undo(self, cutover: int) -> list[UndoRecord]:
        """The undo records of this cutover that are not marked as undone, in the order of application."""
        return [record for (number, _), record in self.undo.items() if number == cutover]

    def at_rest(self) -> bool:
        """Whether no instruction runs and no report waits for an acknowledgement."""
        return not self.instructions and not self.outbox

    def enrolled(self, *, marks: bool) -> None:
        """This device was enrolled, so the dashboard counts its reports from 1. marks: whether earlier instructions were
        for the same agent of the same dashboard; if not, epoch and seq start again from 0."""
        self._count_anew()
        if not marks:
            self.epoch = self.seq = 0
            self.proof = None

    def snapshot(self) -> dict[str, Any]:
        """One record that replaces all records so far."""
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
        self.proof = Proof(**record["proof"]) if record.get("proof") else None  # older versions did not save it
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
        """A cutover goes forward: undo records of earlier cutovers are dropped. Steps that the device did by itself, without a
        cutover (number 0), now belong to this one."""
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
        # The first record stays: a resumed step would record its own half-done work instead of the state before it.
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
        """A successful verify confirms a switch. A device that was restored has nothing to confirm."""
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
        # A report with a number out of bounds may be from a version without bounds, or from a terminal with a wrong clock. The
        # gateway would refuse it, and never get the reports after it.
        report = bounds.mended(report)
        self.last_n = max(self.last_n, report.n)
        if report.n > self.acked_n:
            self.outbox[report.n] = report

    def _count_anew(self) -> None:
        """Number the reports from 1 again; the unacknowledged ones keep their order."""
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
