"""The agent's process ends at each call of netsh and sc in turn, before and after the program has run."""

from collections.abc import Callable

import pytest
from fake_windows import Crash, FakeWindows, Service

from agents import catalogue
from agents.hosts.host import ServerHost


def needed(windows: FakeWindows) -> None:
    """A service needs NetPOS.Net."""
    windows.services["NetPOSNet"].dependents = ("KioskApi",)
    windows.services["KioskApi"] = Service()


async def _crash(driver, windows: FakeWindows, instruction, call: int, *, late: bool) -> bool:
    """Carry out with a crash at this call. Returns whether the call was reached."""
    windows.calls.clear()
    windows.crash_at, windows.crash_late = call, late
    try:
        await driver.do(instruction)
    except Crash:
        return True
    finally:
        windows.crash_at = 0
    return False


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_switch_goes_on_after_a_crash_at_any_call_and_can_be_undone(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Callable, port: int, late: bool
) -> None:
    needed(windows)
    before = windows.snapshot()
    seq, reached = 0, 0
    while True:
        seq += 1
        driver = make_driver(server)
        crashed = await _crash(driver, windows, make_instruction(seq=seq, epoch=seq, cutover=seq), reached + 1, late=late)
        if not crashed:
            break
        reached += 1
        again = make_driver(server)
        await again.runner.recover()
        assert again.reports[-1].outcome == "done", f"crash at call {reached}: {windows.calls}"
        assert [row[2] for row in windows.sslcert if row[0] == f"0.0.0.0:{port}"] == [catalogue.APPID]
        assert [row for row in windows.urlacl if f":{port}/" in row[0]] == [[f"https://+:{port}/", "D:(A;;GX;;;NS)"]]
        assert sorted(driver.steps() + again.steps()) == sorted(make_instruction().steps)
        assert windows.snapshot()[2] == before[2], "services are as they were"
        seq += 1
        undone = await again.do(make_instruction(seq=seq, epoch=seq, cutover=seq - 1, action="undo"))
        assert undone.outcome == "done"
        assert windows.snapshot() == before, f"crash at call {reached}"
    assert reached > 25


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_an_undo_goes_on_after_a_crash_at_any_call(
    windows: FakeWindows, server: ServerHost, make_driver: Callable, make_instruction: Callable, late: bool
) -> None:
    needed(windows)
    before = windows.snapshot()
    seq, reached = 0, 0
    while True:
        seq += 2
        driver = make_driver(server)
        assert (await driver.do(make_instruction(seq=seq, epoch=seq, cutover=seq))).outcome == "done"
        undo = make_instruction(seq=seq + 1, epoch=seq + 1, cutover=seq, action="undo")
        crashed = await _crash(driver, windows, undo, reached + 1, late=late)
        if crashed:
            reached += 1
            again = make_driver(server)
            await again.runner.recover()
            assert again.reports[-1].outcome == "done", f"crash at call {reached}"
        assert windows.snapshot() == before, f"crash at call {reached}"
        if not crashed:
            break
    assert reached > 15
