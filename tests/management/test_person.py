"""The lab's person: what is done at a terminal by hand, and what is said about it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agents.lab import build
from fleet.management.demo import person as module
from fleet.management.demo.person import Person


class Dashboard:
    """One cutover with one terminal by hand, and the answers that arrive."""

    def __init__(self, name: str) -> None:
        self.cutover: dict[str, Any] = {
            "id": 7, "state": "switching", "direction": "forward", "from_scheme": "http", "to_scheme": "https",
            "device_runs": [{"device": name, "by_hand": True, "state": "switching"}],
        }  # fmt: skip
        self.answers: list[tuple[str, dict[str, Any]]] = []

    def get(self, path: str) -> Any:
        if path == "/cutovers":
            return {"items": [self.cutover]}
        return self.cutover

    def post(self, path: str, body: dict[str, Any]) -> None:
        self.answers.append((path, body))

    def turn(self, state: str, run: str) -> None:
        self.cutover |= {"state": state, "direction": "back"}
        self.cutover["device_runs"][0]["state"] = run


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "COMES_S", (0.0, 0.0))
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    monkeypatch.setattr(module, "LOOKUP_S", 0.3)
    built = build.build(
        tmp_path / "lab", terminals=1, seed=1, port=10177, gateway="wss://localhost:1/agent", gateway_ca=tmp_path / "ca.pem"
    )
    return built.root


@pytest.fixture
def folder(lab: Path) -> Path:
    (folder,) = (lab / "terminals").iterdir()
    return folder


@pytest.fixture
def dashboard(folder: Path) -> Dashboard:
    return Dashboard(folder.name)


def looks_up(folder: Path, scheme: str, *, ok: bool = True, at: float | None = None, error: str | None = None) -> None:
    """The reference terminal writes a lookup that begins in the future of whatever is set now."""
    row = {"t": at or time.time() + 60, "scheme": scheme, "ok": ok, "ms": 5.0, "error": error}
    with (folder / "lookups.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def settings(folder: Path) -> bytes:
    return (folder / "TouchSettings.xml").read_bytes()


def test_it_sets_secured_and_says_done_when_a_lookup_works(lab, folder, dashboard):
    before = settings(folder)
    looks_up(folder, "https")
    Person(lab, dashboard, 1).work()
    assert settings(folder) == before.replace(b">False</Secured>", b">True</Secured>")
    body = {"terminal": folder.name, "result": "done", "note": "", "scheme": "https"}
    assert dashboard.answers == [("/cutovers/7/by_hand", body)]


def test_in_a_rollback_every_byte_comes_back(lab, folder, dashboard):
    before = settings(folder)
    looks_up(folder, "https")
    Person(lab, dashboard, 1).work()
    dashboard.turn("rolling_back", "undoing")
    looks_up(folder, "http")
    Person(lab, dashboard, 1).work()  # another one: the first has died meanwhile
    assert settings(folder) == before
    assert dashboard.answers[-1][1]["scheme"] == "http"


@pytest.mark.parametrize(
    ("scheme", "ok", "error", "note"),
    [("https", False, "certificate verify failed", "certificate verify failed"), ("http", True, None, "no lookup was made")],
)
def test_it_says_does_not_work_when_no_lookup_works_in_the_new_scheme(lab, folder, dashboard, scheme, ok, error, note):
    looks_up(folder, scheme, ok=ok, error=error)
    Person(lab, dashboard, 1).work()
    (answer,) = [body for _, body in dashboard.answers]
    assert (answer["result"], answer["note"]) == ("does_not_work", note)


def test_a_lookup_from_before_does_not_count(lab, folder, dashboard):
    looks_up(folder, "https", at=time.time() - 60)
    Person(lab, dashboard, 1).work()
    assert dashboard.answers[0][1]["result"] == "does_not_work"


def test_settings_that_cannot_be_saved_are_said(lab, folder, dashboard):
    faults = {"terminals": {folder.name: {"read_only_settings": True}}}
    (lab / "faults.json").write_text(json.dumps(faults), encoding="utf-8")
    before = settings(folder)
    Person(lab, dashboard, 1).work()
    assert "cannot be saved" in dashboard.answers[0][1]["note"]
    assert settings(folder) == before


@pytest.mark.parametrize(
    ("state", "run"),
    [("arming", "armed"), ("completed", "verified"), ("needs_person", "failed"), ("rolled_back", "undo_failed")],
)
def test_nothing_is_done_where_nothing_is_asked(lab, folder, dashboard, state, run):
    dashboard.cutover["state"] = state
    dashboard.cutover["device_runs"][0]["state"] = run
    before = settings(folder)
    Person(lab, dashboard, 1).work()
    assert dashboard.answers == []
    assert settings(folder) == before


def test_while_the_server_is_not_back_nothing_is_set_back(lab, folder, dashboard):
    dashboard.turn("rolling_back", "switching")
    Person(lab, dashboard, 1).work()
    assert dashboard.answers == []
