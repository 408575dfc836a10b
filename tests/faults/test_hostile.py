"""The hostile program's own parts: what it says honestly is this version's protocol, and nobody's seat is given back twice."""

import json
from types import SimpleNamespace

import pytest

from agents import protocol
from tests.faults import plan
from tests.faults.hostile import voice
from tests.faults.hostile.behaviours import BY_NAME, CLONE, TRIED
from tests.faults.hostile.impostor import Impostor


def test_honest_words_are_of_this_protocol_and_say_nothing_that_it_does_not_know():
    words = voice.message("Beat", now_ms=1_795_837_337_000, not_yet_invented=1)
    assert protocol.parse(json.dumps(words)) == protocol.Beat(1_795_837_337_000)


def test_every_trial_with_a_liar_names_a_behaviour_that_there_is():
    faults = [fault for i in range(400) for fault in plan.make(1, i, 10).faults if fault.kind == "hostile"]
    assert {name for fault in faults for name in fault.what["behaviours"]} == set(TRIED)
    assert set(TRIED) == set(BY_NAME) - {CLONE}
    assert all(0 <= fault.what["who"] < 10 and fault.seconds for fault in faults)


def test_whoever_finds_the_seat_taken_does_not_give_it_back(tmp_path):
    folder = tmp_path / "terminals" / "T01"
    folder.mkdir(parents=True)
    (folder / "agent.toml.away").write_text("taken by somebody else")
    (tmp_path / "logs").mkdir()
    site = SimpleNamespace(lab=tmp_path, folder=tmp_path, database=SimpleNamespace(rows=lambda query: []))
    second = Impostor(site, "T01", ["fails"])
    with pytest.raises(FileNotFoundError):
        second.take()
    second.back()
    assert (folder / "agent.toml.away").exists()
    assert not (folder / "agent.toml").exists()
