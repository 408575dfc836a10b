"""A journal from the time at which the dashboard believed any till's numbers, and passed them on to all others."""

import dataclasses
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.hosts.host import TerminalHost
from agents.protocol import MOST, Finished, Proof, dump, parse
from agents.storage.journal import Journal

JOURNALS = Path(__file__).parent / "journals"
POISON = 2**62


def poison(path: Path, *, epoch: int = POISON, seq: int = POISON + 1) -> None:
    """Every epoch and sequence number in this journal, with good checksums."""
    lines = []
    for line in path.read_bytes().splitlines():
        text = line[9:].decode()
        text = text.replace('"seq":1,', f'"seq":{seq},').replace('"epoch":1,', f'"epoch":{epoch},')
        text = text.replace('\\"seq\\":1,', f'\\"seq\\":{seq},').replace('\\"epoch\\":1,', f'\\"epoch\\":{epoch},')
        lines.append(b"%08x %s" % (zlib.crc32(text.encode()), text.encode()))
    path.write_bytes(b"\n".join(lines) + b"\n")


@pytest.fixture(params=["as written", "compacted"])
def journal(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    path = Path(shutil.copy(JOURNALS / "till-switched.journal", tmp_path / "journal"))
    poison(path)
    opened = Journal(path)
    if request.param == "compacted":
        opened.compact()
        opened.close()
        opened = Journal(path)
    yield opened
    opened.close()


def test_it_sets_no_mark_and_its_undo_stays(journal: Journal) -> None:
    assert (journal.ledger.epoch, journal.ledger.seq) == (0, 0)
    assert [record.step for record in journal.open_undo(7)] == ["secured"]
    assert journal.ledger.uncommitted


def test_a_snapshot_of_the_older_version_sets_no_mark_either(tmp_path: Path) -> None:
    body = json.dumps({
        "k": "snapshot", "epoch": POISON, "seq": POISON, "last_n": 4, "acked_n": 4, "offset": 0, "instructions": [], "undo": [],
        "outbox": [], "starts": [], "done": [], "failures": [], "last_finished": None, "last": None, "uncommitted": True,
    }).encode()  # fmt: skip
    (tmp_path / "journal").write_bytes(b"%08x %s\n" % (zlib.crc32(body), body))
    opened = Journal(tmp_path / "journal")
    assert (opened.ledger.epoch, opened.ledger.seq, opened.ledger.last_n, opened.ledger.proof) == (0, 0, 4, None)
    opened.close()


def test_what_it_still_has_to_say_can_be_said(journal: Journal) -> None:
    """A report that the gateway does not take would keep all that come after it from being heard."""
    for report in journal.pending():
        assert parse(dump(report)) == report
    assert [report.n for report in journal.pending()] == [1, 2, 3, 4]


def test_the_next_good_instruction_is_taken(
    terminal: TerminalHost, make_driver: Callable, make_instruction: Callable, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    shutil.copy(JOURNALS / "till-switched.journal", tmp_path / "state" / "journal")
    poison(tmp_path / "state" / "journal")
    driver = make_driver(terminal)
    driver.runner.submit(make_instruction("terminal", seq=8, epoch=5, action="undo"))
    assert [order.seq for order in driver.journal.recover()] == [8]
    assert (driver.journal.ledger.epoch, driver.journal.ledger.seq) == (5, 8)


def test_report_numbers_that_were_driven_up_begin_anew(tmp_path: Path) -> None:
    """The dashboard said once that it had report 2**63 - 1; what came after had numbers beyond all columns."""
    journal = Journal(tmp_path / "journal")
    at = {"seq": 1, "epoch": 1, "cutover": 7, "action": "switch", "at_ms": 1_900_000_000_000, "scheme": "https"}
    journal.ledger.last_n = 2**63 - 1
    journal.ledger.acked_n = 2**63 - 1
    journal.compact()
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.report(Finished(n=0, outcome="done", **at)).n == 1
    assert [report.n for report in again.pending()] == [1]
    again.close()


def test_marks_within_the_bound_count_as_ever(tmp_path: Path, make_instruction: Callable) -> None:
    journal = Journal(tmp_path / "journal")
    journal.accept(make_instruction("terminal", seq=MOST, epoch=MOST))
    journal.accept(make_instruction("terminal", seq=MOST + 1, epoch=MOST + 1))
    assert (journal.ledger.epoch, journal.ledger.seq) == (MOST, MOST)
    journal.close()


def test_the_proof_is_kept_byte_for_byte_through_compaction(tmp_path: Path, make_instruction: Callable) -> None:
    journal = Journal(tmp_path / "journal")
    proof = Proof('{"seq": 3 }  ', "c2ln")
    journal.accept(make_instruction("terminal", seq=3, epoch=2), proof=proof)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.ledger.proof == proof
    again.compact()
    again.close()
    once_more = Journal(tmp_path / "journal")
    assert once_more.ledger.proof == proof
    once_more.close()


def test_enrolled_again_reports_are_numbered_from_one_and_marks_stay(tmp_path: Path, make_instruction: Callable) -> None:
    journal = Journal(tmp_path / "journal")
    instruction = make_instruction("terminal", seq=3, epoch=2)
    journal.accept(instruction, proof=Proof("b", "s"))
    journal.undo(instruction, "secured", {"old": 1})
    journal.acked(500)
    finished = Finished(
        n=0, seq=3, epoch=2, cutover=7, action="switch", outcome="done", at_ms=1_900_000_000_000, scheme="https"
    )
    journal.report(finished)
    journal.enrolled(marks=True)
    assert journal.pending() == [dataclasses.replace(finished, n=1)]
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.pending() == [dataclasses.replace(finished, n=1)]
    assert (again.ledger.epoch, again.ledger.seq, again.ledger.proof) == (2, 3, Proof("b", "s"))
    assert again.report(finished).n == 2
    again.close()


def test_enrolled_as_another_agent_nothing_that_comes_is_old_and_the_undo_stays(
    tmp_path: Path, make_instruction: Callable
) -> None:
    journal = Journal(tmp_path / "journal")
    instruction = make_instruction("terminal", seq=300, epoch=20)
    journal.accept(instruction, proof=Proof("b", "s"))
    journal.undo(instruction, "secured", {"old": 1})
    journal.enrolled(marks=False)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert (again.ledger.epoch, again.ledger.seq, again.ledger.proof) == (0, 0, None)
    assert [record.step for record in again.open_undo(7)] == ["secured"]
    again.close()


def test_an_enrolment_that_cannot_be_kept_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")
    journal.acked(500)

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "compact", full)
    with pytest.raises(OSError, match="No space"):
        journal.enrolled(marks=False)
    assert journal.ledger.last_n == 500
    journal.close()
