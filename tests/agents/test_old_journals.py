"""An agent that is upgraded in the middle of a cutover decides by the journal that its predecessor wrote
(docs/reliability.md). The files in journals/ were written by real agents of the version in their entry below; they are
never written anew: a change that reads them otherwise needs an answer for the nights on which they lie on a disk."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from questions import looked_up

from agents.hosts.host import ServerHost
from agents.storage.journal import Journal

FOLDER = Path(__file__).parent / "journals"
ALL_UNDO = [
    "hold_monitor",
    "stop_service",
    "swap_reservation",
    "bind_certificate",
    "use_ssl",
    "start_service",
    "release_monitor",
]
# 2026-11-24, protocol version 1.
DECISIONS: dict[str, dict[str, Any]] = {
    "server-in-the-middle": {
        "unfinished": [1], "undo": ["hold_monitor", "stop_service"], "done": ["hold_monitor"], "reports": 1, "ended": None,
        "uncommitted": True,
    },
    "server-switched": {
        "unfinished": [], "undo": ALL_UNDO, "done": [], "reports": 9, "ended": "done", "uncommitted": True,
    },
    "server-failed-and-restored": {
        "unfinished": [], "undo": [], "done": [], "reports": 12, "ended": "failed", "uncommitted": False,
    },
    "till-switched": {
        "unfinished": [], "undo": ["secured"], "done": [], "reports": 4, "ended": "done", "uncommitted": True,
    },
}  # fmt: skip


def decision(path: Path) -> dict[str, Any]:
    """What an agent would go by: what is to be finished, what can be undone, what is still to be said."""
    journal = Journal(path)
    try:
        ledger = journal.ledger
        assert (ledger.epoch, ledger.seq) == (1, 1)
        return {
            "unfinished": [order.seq for order in ledger.unfinished()],
            "undo": [record.step for record in journal.open_undo(7)],
            "done": sorted(step for _, step in ledger.done),
            "reports": len(ledger.outbox),
            "ended": ledger.last_finished.outcome if ledger.last_finished else None,
            "uncommitted": ledger.uncommitted,
        }
    finally:
        journal.close()


def test_every_recorded_journal_has_its_decision() -> None:
    assert {path.stem for path in FOLDER.glob("*.journal")} == set(DECISIONS)


@pytest.mark.parametrize("name", DECISIONS)
def test_it_is_decided_as_on_the_night_it_was_written(name: str, tmp_path: Path) -> None:
    path = shutil.copy(FOLDER / f"{name}.journal", tmp_path / "journal")
    assert decision(path) == DECISIONS[name]
    assert decision(path) == DECISIONS[name]  # and reading it has changed nothing


async def test_what_an_older_agent_left_in_the_middle_is_brought_to_an_end(
    server: ServerHost, make_driver: Any, windows: Any, tmp_path: Path
) -> None:
    """The journal's night had another port and certificate, so what was begun cannot be finished here: it is undone,
    and nobody is left half way."""
    (tmp_path / "state").mkdir()
    text = (FOLDER / "server-in-the-middle.journal").read_bytes()
    (tmp_path / "state" / "journal").write_bytes(text)
    windows.services["Monitor"].state, windows.services["Monitor"].start_type = 1, 4  # as its predecessor left it
    driver = make_driver(server)
    assert [order.seq for order in driver.journal.ledger.unfinished()] == [1]
    await driver.runner.recover()
    ended = driver.journal.ledger.last_finished
    assert (ended.outcome, ended.restored) == ("failed", True)
    assert windows.services["Monitor"].state == 4
    assert (await looked_up(server, "1001", 1)).judgement.status == 200
    assert driver.journal.open_undo(7) == []
