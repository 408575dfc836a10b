"""The journal: what was said to be kept is there after a crash at any byte and after a fault at any operation."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.protocol import Finished, Instruction, StepDone
from agents.storage import journal as journal_module
from agents.storage.journal import Journal, failure

Make = Callable[..., Instruction]
AT_MS = 1_900_000_000_000


def _done(seq: int, step: str = "secured") -> StepDone:
    return StepDone(n=0, seq=seq, epoch=1, cutover=7, step=step, direction="forward", at_ms=AT_MS, took_ms=6, evidence={"a": 1})


def _finished(seq: int) -> Finished:
    return Finished(n=0, seq=seq, epoch=1, cutover=7, action="switch", outcome="done", at_ms=AT_MS, scheme="https")


def _story(journal: Journal, make: Make) -> Iterator[str]:
    """Everything that can be written, one call at a time."""
    instruction = make("terminal")
    yield "accept"
    journal.accept(instruction, offset_ms=77)
    yield "start"
    journal.start(1, "secured")
    yield "undo"
    journal.undo(instruction, "secured", {"before": "b" * 50, "é": None})
    yield "step done"
    journal.report(_done(1))
    yield "failing"
    journal.failing(1, failure("code", "message", "remedy", retryable=True))
    yield "undone"
    journal.undone(7, "secured")
    yield "finished"
    journal.report(_finished(1))
    yield "acked"
    journal.acked(1)
    yield "accept again"
    journal.accept(make("terminal", seq=2, cutover=8, epoch=4))
    yield "undo again"
    journal.undo(make("terminal", seq=2, cutover=8, epoch=4), "secured", {"x": 2})


def _known(journal: Journal) -> str:
    return json.dumps(journal.ledger.snapshot(), sort_keys=True)


@pytest.fixture
def story(tmp_path: Path, make_instruction: Make) -> tuple[bytes, list[tuple[int, str]]]:
    """The file's bytes, and after each call its length and what was known."""
    path = tmp_path / "whole"
    journal = Journal(path)
    marks = [(path.stat().st_size, _known(journal)) for _ in _story(journal, make_instruction)]
    marks.append((path.stat().st_size, _known(journal)))
    journal.close()
    return path.read_bytes(), marks


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_record(
    tmp_path: Path, story: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # thousands of files, and none has to outlive anything
    monkeypatch.setattr(journal_module.log, "disabled", True)
    data, marks = story
    for length in range(len(data) + 1):
        path = tmp_path / "journal"
        path.write_bytes(data[:length])
        journal = Journal(path)
        end, known = [mark for mark in marks if mark[0] <= length][-1]
        assert _known(journal) == known, f"cut at byte {length}"
        assert path.stat().st_size == end
        journal.close()


def test_after_a_torn_tail_writing_goes_on(tmp_path: Path, story: tuple, make_instruction: Make) -> None:
    data, _ = story
    path = tmp_path / "journal"
    path.write_bytes(data[:-20])
    journal = Journal(path)
    journal.accept(make_instruction("terminal", seq=9, epoch=9, cutover=8))
    known = _known(journal)
    journal.close()
    again = Journal(path)
    assert _known(again) == known
    again.close()


def test_any_altered_byte_costs_at_most_the_record_it_is_in(tmp_path: Path, story: tuple) -> None:
    data, _ = story
    lines = data.splitlines(keepends=True)
    middle = len(lines[0]) + 30
    path = tmp_path / "journal"
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    journal = Journal(path)
    assert journal.ledger.epoch == 4  # from a record after the altered one
    assert path.with_suffix(".damaged").stat().st_size == len(data)
    known = _known(journal)
    journal.close()
    again = Journal(path)
    assert _known(again) == known
    again.close()


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("operation", ["write", "fsync"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PowerCut()], ids=["full", "power cut"])
def test_a_fault_at_any_operation_keeps_before_or_after(
    tmp_path: Path, make_instruction: Make, story: tuple, operation: str, error: BaseException
) -> None:
    _, marks = story
    original = getattr(os, operation)
    for number in range(30):
        path = tmp_path / f"journal{number}"
        journal = Journal(path)
        calls = 0

        def failing(fd: int, *rest: bytes) -> int:
            nonlocal calls
            calls += 1
            if calls - 1 == number:  # noqa: B023 - called in this round only
                if rest:
                    original(fd, rest[0][: len(rest[0]) // 2])  # half of it is on the disk
                raise error
            return original(fd, *rest)

        reached = ""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, operation, failing)
            try:
                for reached in _story(journal, make_instruction):  # noqa: B007
                    pass
                failed = False
            except type(error):
                failed = True
        known = _known(journal)
        journal.close()
        again = Journal(path)
        if failed:  # the call that failed has had no effect on disk, nor in memory if the agent lives on
            assert _known(again) in [mark[1] for mark in marks], f"{operation} {number}, in {reached}"
            assert _known(again) == known or isinstance(error, PowerCut)
        again.close()
        if calls <= number:
            assert number > 3, "the story must reach the operation several times"
            return
    pytest.fail("the story never came to its end")


def test_what_must_outlive_a_power_cut_is_flushed_before_the_call_returns(
    tmp_path: Path, make_instruction: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal")
    flushed: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append(os.fstat(fd).st_size), fsync(fd))[1])
    without = []
    before = ""
    for call in _story(journal, make_instruction):
        if before and (not flushed or flushed[-1] != (tmp_path / "journal").stat().st_size):
            without.append(before)
        before = call
    assert without == ["start", "step done", "acked"]
    journal.close()


def test_reports_are_numbered_and_kept_until_acknowledged(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert [journal.report(_done(1)).n for _ in range(3)] == [1, 2, 3]
    journal.acked(2)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert [report.n for report in again.pending()] == [3]
    assert again.report(_done(1)).n == 4
    again.close()


def test_whoever_sends_reports_is_told_of_a_new_one_also_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal")
    assert not journal.unsent.is_set()
    journal.report(_done(1))
    assert journal.unsent.is_set()
    journal.unsent.clear()
    monkeypatch.setattr(journal, "_save_reports", raise_no_space)
    journal.report(_done(1))
    assert journal.unsent.is_set()


def raise_no_space() -> None:
    raise OSError(28, "No space left on device")


def test_a_number_that_the_dashboard_has_seen_is_never_used_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.acked(41)
    assert journal.report(_done(1)).n == 42
    journal.close()


def test_a_report_on_a_full_disk_is_not_lost_while_the_agent_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert journal.report(_done(1)).n == 1
    assert [report.n for report in journal.pending()] == [1]
    journal.report(_done(1, "member_lookup"))  # room again: both are kept now
    journal.close()
    again = Journal(tmp_path / "journal")
    assert [report.n for report in again.pending()] == [1, 2]
    again.close()


def test_compaction_keeps_what_is_needed(tmp_path: Path, make_instruction: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "COMPACT_BYTES", 2000)
    journal = Journal(tmp_path / "journal")
    instruction = make_instruction("terminal", seq=3, epoch=2)
    journal.accept(instruction)
    journal.undo(instruction, "secured", {"before": "x" * 3000})
    journal.report(_done(3))
    journal.acked(1)
    size = (tmp_path / "journal").stat().st_size  # an instruction is not at its end: nothing is rewritten
    last = journal.report(_finished(3))
    journal.acked(last.n)
    assert (tmp_path / "journal").read_bytes().count(b"\n") == 1
    assert size > 3000
    known = _known(journal)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert _known(again) == known
    assert (again.ledger.epoch, again.ledger.seq, again.ledger.last_n) == (2, 3, 2)
    assert [(item.step, item.saved) for item in again.open_undo(7)] == [("secured", {"before": "x" * 3000})]
    assert again.ledger.last_finished == last
    again.close()


def test_the_first_undo_record_of_a_step_stands(tmp_path: Path, make_instruction: Make) -> None:
    journal = Journal(tmp_path / "journal")
    journal.undo(make_instruction("terminal"), "secured", {"old": 1})
    journal.undo(make_instruction("terminal", seq=2), "secured", {"old": 2})
    assert [item.saved for item in journal.open_undo(7)] == [{"old": 1}]
    journal.close()


def test_a_refused_report_ends_no_instruction(tmp_path: Path, make_instruction: Make) -> None:
    journal = Journal(tmp_path / "journal")
    journal.accept(make_instruction("terminal"))
    refused = Finished(n=0, seq=1, epoch=1, cutover=7, action="switch", outcome="refused", at_ms=AT_MS, scheme=None)
    journal.report(refused)
    assert [item.seq for item in journal.recover()] == [1]
    journal.close()


@pytest.mark.parametrize("failing", ["replace", "fsync_folder"])
def test_a_compaction_that_fails_loses_nothing_that_comes_after(
    tmp_path: Path, make_instruction: Make, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Before the rename the old file goes on, after it the new one: never a file that has no name any more."""
    journal = Journal(tmp_path / "journal")
    journal.accept(make_instruction("terminal", seq=3, epoch=2))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(journal_module.atomic.os if failing == "replace" else journal_module.atomic, failing, full)
        with pytest.raises(OSError, match="No space"):
            journal.compact()
    last = journal.report(_finished(3))
    journal.close()
    again = Journal(tmp_path / "journal")
    assert (again.pending(), again.recover()) == ([last], [])
    again.close()


def test_the_file_is_closed_while_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to replace a file that is open."""
    journal = Journal(tmp_path / "journal")
    opened, replace = journal._fd, journal_module.atomic.replace

    def as_windows(path: Path, data: bytes) -> None:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened)
        replace(path, data)

    monkeypatch.setattr(journal_module.atomic, "replace", as_windows)
    journal.compact()
    journal.close()
