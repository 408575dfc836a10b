"""Power cuts at every operation of an agent's night: settings are the old ones or the new ones and never anything
else, new ones have their way back in the journal, and nothing that was promised is gone.

make test looks at a sample of the states; TILLWAY_TORN=full cuts every write at each of its bytes."""

import functools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents import protocol
from tests.torn import bugs, model, strace
from tests.torn.calls import Op
from tests.torn.disk import LOST, Disk, Fate
from tests.torn.proof import prove
from tests.torn.record import Recording, record
from tests.torn.start import Starter

FULL = os.environ.get("TILLWAY_TORN") == "full"
NIGHT = ("first", "second", "third", "fourth", "fifth")
# The server's night has the same kinds of writes as the till's and twice as many of them.
FINE = {"terminal": 64, "server": 0}
EVERY_BYTE = 1 << 20
ROLES = ("terminal", "server")

Nights = dict[str, Recording]
Starters = dict[str, Starter]


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """What both agents did in their nights, and what a till did on disks with a torn end and with a hole."""
    models = {role: model.make(tmp_path_factory.mktemp(role) / "model", role) for role in ROLES}
    with ThreadPoolExecutor() as pool:
        made = dict(zip(ROLES, pool.map(lambda role: record(models[role], *NIGHT), ROLES), strict=True))
    folder = tmp_path_factory.mktemp("again")
    till = made["terminal"]
    after = {name: model.copy(till.model, folder / name, tree) for name, tree in (("torn", _torn(till)), ("hole", _hole(till)))}
    # One after the other: the till's server has one port.
    return made | {name: record(copied, "again") for name, copied in after.items()}


def _torn(scenario: Recording) -> model.Tree:
    """The undo record half written when the power went, the rest of it zeros."""
    number = next(at for at, op in enumerate(scenario.ops) if b'"k":"undo"' in op.data)
    size = len(scenario.ops[number].data)
    return _after(scenario, number + 1).after({number: Fate(((0, size // 2),), size)})


def _hole(scenario: Recording) -> model.Tree:
    """A report never written, what came after it was: the journal is damaged in its middle."""
    disk = next(disk for disk in (_after(scenario, done) for done in range(len(scenario.ops))) if len(disk.pending) > 4)
    return disk.after({min(disk.pending): LOST})


def _after(scenario: Recording, done: int) -> Disk:
    disk = Disk(scenario.base)
    for number, op in enumerate(scenario.ops[:done]):
        disk.do(number, op)
    return disk


@pytest.fixture(scope="module")
def starters(scenarios: Nights) -> Iterator[Starters]:
    """One for each night, so that no state is looked at twice."""
    memory = Path("/dev/shm")  # thousands of folders are made: in memory, where that can be had
    scratch = Path(tempfile.mkdtemp(prefix="tillway-torn-", dir=memory if os.access(memory, os.W_OK) else None))
    original = {role: scenarios[role].base[scenarios[role].model.settings] for role in ROLES}
    yield {name: Starter(scenario.model, original[scenario.model.role], scratch / name) for name, scenario in scenarios.items()}
    shutil.rmtree(scratch)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here nothing has to outlive anything, what agents log about torn files is known, and the same hundred
    reports are parsed a thousand times."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(protocol, "parse", functools.cache(protocol.parse))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", [*ROLES, "torn", "hole"])
def test_what_was_recorded_is_all_that_was_done(scenarios: Nights, name: str) -> None:
    scenario = scenarios[name]
    assert _after(scenario, len(scenario.ops)).after({}) == scenario.end


@pytest.mark.skipif(strace.missing() is not None, reason=f"{strace.missing()}: only the agent's own recorder is tried")
@pytest.mark.parametrize("name", [*ROLES, "torn", "hole"])
def test_the_kernel_has_seen_what_the_agents_own_recorder_saw(scenarios: Nights, name: str) -> None:
    assert scenarios[name].traced == scenarios[name].ops


def test_a_power_cut_at_any_operation_tears_nothing(
    scenarios: Nights, starters: Starters, capsys: pytest.CaptureFixture[str]
) -> None:
    proofs = {
        name: prove(scenario, starters[name], fine=EVERY_BYTE if FULL else FINE[scenario.model.role])
        for name, scenario in scenarios.items()
    }
    wrong = {name: dict(proof.first) for name, proof in proofs.items() if proof.wrong}
    count, operations = (
        sum(proof.states for proof in proofs.values()),
        sum(len(scenario.ops) for scenario in scenarios.values()),
    )
    with capsys.disabled():
        print(f"\n{count} states of the disk after power cuts in {operations} file operations: {len(wrong)} wrong")  # noqa: T201
    assert not wrong, "what is wrong, and after how many operations first"
    assert count >= 2000


PLANTED: dict[str, tuple[Callable[[Recording], list[Op]], str]] = {
    "no file is flushed": (bugs.without("sync"), "Settings.xml is torn"),
    "no folder is flushed": (bugs.without("sync_folder"), "Settings.xml is back"),
    "settings are rewritten in place": (bugs.in_place, "Settings.xml is torn"),
    "the journal is not flushed": (bugs.without("sync", path="agent/journal"), "the journal has lost"),
    "no undo record is flushed": (bugs.without("sync", path="agent/journal"), "new settings without an undo record"),
    "the rewritten journal is not flushed": (bugs.without("sync", path="agent/.journal.tillway-new"), "has lost snapshot"),
    "the key is not flushed": (bugs.without("sync", path="agent/.agent.key.tillway-new"), "agent/agent.key is torn"),
    # The agent had these two and the two below, until this test found them.
    "a new life relies on an undo record in memory": (
        bugs.without_at_start("sync", "agent/journal"), "new settings without an undo record",
    ),
    "a new life relies on a rename in memory": (bugs.without_at_start("sync_folder", "program"), "Settings.xml is back"),
}  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_seen(scenarios: Nights, starters: Starters, bug: str) -> None:
    plant, effect = PLANTED[bug]
    proof = prove(scenarios["terminal"], starters["terminal"], ops=plant(scenarios["terminal"]), fine=0, until=effect)
    assert any(effect in what for what in proof.wrong), f"{bug}: found only {sorted(proof.wrong)}"


def test_a_state_folder_whose_name_is_not_flushed_is_seen(scenarios: Nights, starters: Starters) -> None:
    """The till's agent makes its folder itself."""
    ops = bugs.without("sync_folder", path=".")(scenarios["terminal"])
    proof = prove(scenarios["terminal"], starters["terminal"], ops=ops, fine=0, until="agent.key is missing")
    assert "agent/agent.key is missing" in proof.wrong


def test_a_probe_with_another_name_each_time_is_seen(scenarios: Nights, starters: Starters) -> None:
    """Interrupted probes piled up."""
    tree = {**scenarios["server"].base, "program/.tillway-probe-1d065cfa": b"probe"}
    assert starters["server"].look(tree).wrong == ("left for ever: .tillway-probe",)
