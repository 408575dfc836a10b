"""Services that need NetPOS.Net: exactly those that ran are stopped before it and started after it."""

from collections.abc import Callable

import pytest
from fake_windows import FakeWindows, Service
from questions import looked_up

from agents.hosts.host import ServerHost
from agents.protocol import Instruction, StepDone

Make = Callable[..., Instruction]
MOVES = [("stop", "MenuBoard"), ("stop", "KioskApi"), ("stop", "NetPOSNet"), ("start", "NetPOSNet"), ("start", "KioskApi"),
         ("start", "MenuBoard")]  # fmt: skip


@pytest.fixture
def needed(windows: FakeWindows) -> FakeWindows:
    """MenuBoard needs KioskApi, which needs NetPOS.Net; so does Reports, which does not run."""
    windows.services["NetPOSNet"].dependents = ("Reports", "KioskApi")
    windows.services |= {"Reports": Service(1), "KioskApi": Service(dependents=("MenuBoard",)), "MenuBoard": Service()}
    return windows


def moves(windows: FakeWindows) -> list[tuple[str, str]]:
    """What was stopped and started, but for the monitor."""
    words = [call.split() for call in windows.calls]
    return [(word[1], word[2]) for word in words if word[1] in ("stop", "start") and word[2] != "Monitor"]


async def test_those_that_ran_are_stopped_first_and_started_last(
    needed: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    before = needed.snapshot()
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert moves(needed) == MOVES
    assert needed.snapshot()[2] == before[2]
    evidence = {report.step: report.evidence for report in driver.reports if isinstance(report, StepDone)}
    assert evidence["hold_dependents"] == {"stopped": ["MenuBoard", "KioskApi"]}
    needed.calls.clear()
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert moves(needed) == MOVES
    assert needed.snapshot() == before


async def test_where_nothing_needs_it_nothing_is_journaled(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert not {"hold_dependents", "release_dependents"} & {record.step for record in driver.journal.open_undo(7)}


@pytest.mark.parametrize("name", ["MenuBoard", "KioskApi"])
async def test_one_that_does_not_stop_leaves_everything_running(
    needed: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make, name: str
) -> None:
    before = needed.snapshot()
    needed.fail = {f"sc stop {name}": "[SC] ControlService FAILED 1053:\n\nIt did not respond.\n"}
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "service_timeout", True)
    assert name in finished.finding.message
    assert ("stop", "NetPOSNet") not in moves(needed)
    assert needed.snapshot() == before


async def test_one_that_does_not_start_again_brings_the_server_back_and_is_named(
    needed: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    settings = needed.settings.read_bytes()
    needed.fail = {"sc start KioskApi": "[SC] StartService FAILED 1069:\n\nThe service did not start.\n"}
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.scheme, finished.restored) == ("failed", "http", False)
    assert "KioskApi: its account could not log on" in finished.finding.message
    assert needed.settings.read_bytes() == settings
    assert (await looked_up(server, "1001", 1)).judgement.status == 200
    needed.fail = {}
    assert (await make_driver(server).do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert [needed.services[name].state for name in ("Reports", "KioskApi", "MenuBoard")] == [1, 4, 4]


async def test_one_that_is_started_by_somebody_else_meanwhile_is_named(
    needed: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    before = needed.snapshot()
    needed.restless = ("KioskApi",)
    finished = await make_driver(server).do(make_instruction())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "service_has_dependents", True)
    assert "KioskApi needs NetPOSNet and runs again" in finished.finding.message
    assert needed.snapshot() == before


async def test_one_that_ran_although_it_was_disabled_runs_again_and_is_disabled(
    needed: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Make
) -> None:
    needed.services["KioskApi"].start_type = 4
    before = needed.snapshot()
    driver = make_driver(server)
    assert (await driver.do(make_instruction())).outcome == "done"
    assert needed.snapshot()[2] == before[2]
    assert (await driver.do(make_instruction(seq=2, epoch=2, action="undo"))).outcome == "done"
    assert needed.snapshot() == before
