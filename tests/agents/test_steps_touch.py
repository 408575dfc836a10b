"""Touch is closed while its settings are changed, and runs again afterwards, forward and back, whatever happens in between."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from fake_touch import Acts, FakeTouch, WatchedFiles
from fake_windows import Crash, FakeWindows

from agents import failpoints
from agents.hosts.host import TerminalHost
from agents.hosts.touch import owed
from agents.hosts.touch.elsewhere import NoTouch
from agents.profiles.profile import BUILT_IN
from agents.profiles.restart import TouchRestart
from agents.protocol import Finding, StepDone
from agents.steps import touch as touch_steps

STEPS = ("secured", "restart_touch", "interface_list", "member_lookup")


@dataclass
class Till:
    """A terminal whose profile restarts Touch."""

    host: TerminalHost
    touch: FakeTouch
    acts: Acts
    files: WatchedFiles
    windows: FakeWindows
    port: int

    async def server(self, *, tls: bool) -> None:
        """The server has been switched, or put back."""
        self.windows.urlacl = [[f"http{'s' if tls else ''}://+:{self.port}/", "D:(A;;GX;;;WD)"]]
        self.windows.sslcert = [[f"0.0.0.0:{self.port}", self.windows.certificate.thumbprint, "{x}", "MY"]] if tls else []
        self.windows.listener.close()
        await self.windows.listen(tls=tls)

    def restarts(self, **values: object) -> None:
        self.host.profile = self.host.profile.__class__(
            **{name: getattr(BUILT_IN["terminal"], name) for name in self.host.profile.__slots__ if name != "restart"},
            restart=TouchRestart(**values),  # type: ignore[arg-type]
        )

    @property
    def data(self) -> bytes:
        return self.host.config.settings.read_bytes()


@pytest.fixture
async def till(windows: FakeWindows, terminal: TerminalHost, port: int, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.setattr(touch_steps, "MAYBE_S", 0.3)
    monkeypatch.setattr("agents.hosts.touch.program.POLL_S", 0.01)
    acts = Acts()
    monkeypatch.setattr(failpoints, "step", acts.between)
    # It was written long before Touch started.
    os.utime(terminal.config.settings, (1_700_000_000, 1_700_000_000))
    touch = FakeTouch(terminal.config.settings, acts)
    terminal.touch, terminal.files = touch, (files := WatchedFiles(touch, acts))
    made = Till(terminal, touch, acts, files, windows, port)
    made.restarts(how="program", name="Touch.exe", start="C:\\Touch.exe")
    return made


@pytest.fixture
def switch(make_instruction: Callable) -> Callable:
    return lambda seq=1, **more: make_instruction("terminal", seq=seq, epoch=seq, steps=STEPS, **more)


@pytest.fixture
def undo(make_instruction: Callable) -> Callable:
    return lambda seq=2, **more: make_instruction("terminal", seq=seq, epoch=seq, action="undo", **more)


async def test_the_settings_are_changed_while_touch_is_closed(till: Till, make_driver: Callable, switch: Callable) -> None:
    await till.server(tls=True)
    before = till.data
    driver = make_driver(till.host)
    finished = await driver.do(switch())
    assert (finished.outcome, finished.finding) == ("done", None)
    assert till.data == before.replace(b"<Secured>False", b"<Secured>True")
    assert till.touch.secure
    assert [act for act in till.acts.done if " " not in act] == ["close", "write", "start"]
    assert (till.files.while_running, till.touch.twice, till.touch.kills) == (0, 0, 0)
    assert driver.steps() == list(STEPS)
    restarted = next(report for report in driver.reports if isinstance(report, StepDone) and report.step == "restart_touch")
    assert restarted.evidence["running"] is True
    assert restarted.evidence["since_ms"] == till.touch.since_ms


async def test_an_undo_closes_touch_puts_every_byte_back_and_starts_it(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    await till.server(tls=True)
    before = till.data
    driver = make_driver(till.host)
    await driver.do(switch())
    await till.server(tls=False)
    till.acts.done.clear()
    assert (await driver.do(undo())).outcome == "done"
    assert till.data == before
    assert not till.touch.secure
    assert [act for act in till.acts.done if " " not in act] == ["close", "write", "start"]
    assert (till.files.while_running, till.touch.twice) == (0, 0)
    assert driver.steps("back") == ["restart_touch", "secured"]


async def test_nobody_waits_for_a_touch_that_cannot_have_been_started_yet(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    appears = till.touch.appears

    async def noted(within_s: float) -> bool:
        waits.append(within_s)
        return await appears(within_s)

    monkeypatch.setattr(till.touch, "appears", noted)
    await till.server(tls=True)
    driver = make_driver(till.host)
    await driver.do(switch())
    await till.server(tls=False)
    await driver.do(undo())
    assert waits == [0, touch_steps.START_S] * 2


async def test_a_touch_that_was_closed_before_stays_closed(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    till.touch.end()
    await till.server(tls=True)
    driver = make_driver(till.host)
    assert (await driver.do(switch())).outcome == "done"
    await till.server(tls=False)
    assert (await driver.do(undo())).outcome == "done"
    assert (till.touch.running, till.touch.starts) == (False, 0)


async def test_one_that_somebody_opened_since_is_closed_for_the_undo_and_opened_again(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    before = till.data
    till.touch.end()
    await till.server(tls=True)
    driver = make_driver(till.host)
    await driver.do(switch())
    till.touch.open()
    await till.server(tls=False)
    assert (await driver.do(undo())).outcome == "done"
    assert till.data == before
    assert (till.files.while_running, till.touch.secure) == (0, False)


async def test_a_sale_stops_it_before_anything_is_changed(till: Till, make_driver: Callable, switch: Callable) -> None:
    await till.server(tls=True)
    before, till.touch.in_sale = till.data, True
    finished = await make_driver(till.host).do(switch())
    assert (finished.outcome, finished.restored, finished.retryable) == ("failed", True, True)
    assert finished.finding == Finding(
        "touch_busy",
        "Touch did not close within 60 s: a sale or a dialog is open",
        "Finish it at the till, then press Retry failed.",
    )
    assert (till.data, till.touch.running, till.touch.kills, till.touch.starts) == (before, True, 0, 0)


async def test_only_where_the_profile_says_so_is_touch_ended_in_a_sale(
    till: Till, make_driver: Callable, switch: Callable
) -> None:
    till.restarts(how="program", name="Touch.exe", start="C:\\Touch.exe", kill=True)
    await till.server(tls=True)
    till.touch.in_sale = True
    assert (await make_driver(till.host).do(switch())).outcome == "done"
    assert (till.touch.kills, till.touch.secure) == (1, True)


async def test_a_sale_during_the_undo_leaves_touch_open_and_says_so(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    await till.server(tls=True)
    before = till.data
    driver = make_driver(till.host)
    await driver.do(switch())
    await till.server(tls=False)
    till.touch.in_sale = True
    finished = await driver.do(undo())
    assert (finished.outcome, finished.finding.code, finished.retryable) == ("undo_failed", "touch_busy", True)
    assert (till.touch.running, till.touch.kills, till.files.while_running) == (True, 0, 0)
    till.touch.in_sale = False
    assert (await driver.do(undo(3))).outcome == "done"
    assert (till.data, till.touch.secure) == (before, False)


async def test_settings_that_cannot_be_written_are_found_before_touch_is_closed(
    till: Till, make_driver: Callable, switch: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "is write-protected", str(path))

    monkeypatch.setattr(till.files, "try_folder", refuse)
    await till.server(tls=True)
    finished = await make_driver(till.host).do(switch())
    assert (finished.finding.code, finished.restored) == ("settings_not_writable", True)
    assert "close" not in till.acts.done


async def test_touch_is_started_although_its_settings_could_not_be_put_back(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    await till.server(tls=True)
    driver = make_driver(till.host)
    await driver.do(switch())
    till.files.refuses = True
    finished = await driver.do(undo())
    assert (finished.outcome, finished.finding.code) == ("undo_failed", "settings_not_writable")
    assert till.touch.running


async def test_a_touch_that_does_not_start_is_named(till: Till, make_driver: Callable, switch: Callable, monkeypatch) -> None:
    monkeypatch.setattr(touch_steps, "START_S", 0.05)
    await till.server(tls=True)
    before, till.touch.never_starts = till.data, True
    finished = await make_driver(till.host).do(switch())
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "touch_not_started", False)
    assert till.data == before


@pytest.mark.parametrize(("opens_itself", "starts"), [(False, 1), (True, 0)], ids=["started by the agent", "by itself"])
async def test_a_terminal_that_was_just_switched_on_is_waited_for_until_somebody_has_logged_in(
    till: Till, make_driver: Callable, switch: Callable, monkeypatch: pytest.MonkeyPatch, opens_itself: bool, starts: int
) -> None:
    monkeypatch.setattr(touch_steps, "LOGIN_S", 0.02)
    await till.server(tls=True)
    till.touch.nobody_for, till.touch.opens_itself = 2, opens_itself
    assert (await make_driver(till.host).do(switch())).outcome == "done"
    assert (till.touch.starts, till.touch.twice, till.touch.secure) == (starts, 0, True)


async def test_where_nobody_logs_in_that_is_the_finding(
    till: Till, make_driver: Callable, switch: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touch_steps, "LOGIN_S", 0.02)
    monkeypatch.setattr(touch_steps, "START_S", 0.05)
    await till.server(tls=True)
    before, till.touch.nobody_for = till.data, 1000
    finished = await make_driver(till.host).do(switch())
    assert (finished.outcome, finished.finding.code, till.data) == ("failed", "no_user_session", before)


async def test_touch_is_started_although_its_settings_cannot_be_read_any_more(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    await till.server(tls=True)
    driver = make_driver(till.host)
    await driver.do(switch())
    till.touch.cached = b"not XML"  # it writes this when it is closed
    finished = await driver.do(undo())
    assert (finished.outcome, finished.finding.code) == ("undo_failed", "settings_not_xml")
    assert till.touch.running


async def test_what_touch_has_changed_at_its_end_stays(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    till.touch.cached = till.data.replace(b"<Other/>", b"<Other>sold 3</Other>")
    await till.server(tls=True)
    driver = make_driver(till.host)
    await driver.do(switch())
    assert b"<Other>sold 3</Other>" in till.data
    await till.server(tls=False)
    assert (await driver.do(undo())).outcome == "done"
    assert b"<Other>sold 3</Other>" in till.data
    assert b"<Secured>False</Secured>" in till.data


async def test_a_touch_that_does_not_know_its_settings_is_restarted_although_they_are_right(
    till: Till, make_driver: Callable, switch: Callable
) -> None:
    await till.server(tls=True)
    path = till.host.config.settings
    path.write_bytes(path.read_bytes().replace(b"<Secured>False", b"<Secured>True"))
    os.utime(path, (till.touch.since_ms / 1000 + 5, till.touch.since_ms / 1000 + 5))
    assert (await make_driver(till.host).do(switch())).outcome == "done"
    assert till.touch.secure


async def crash(driver, till: Till, instruction, call: int, *, late: bool) -> bool:
    """Carry it out; the process dies at this act. Returns whether it was reached."""
    till.acts.done.clear()
    till.acts.crash_at, till.acts.late = call, late
    try:
        await driver.do(instruction)
    except Crash:
        return True
    finally:
        till.acts.crash_at = 0
    return False


@pytest.mark.parametrize("slow", [0, 3], ids=["at once", "starting slowly"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_switch_goes_on_after_a_crash_at_any_act(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable, late: bool, slow: int
) -> None:
    before, reached, seq = till.data, 0, 0
    till.touch.slow = slow
    while True:
        seq += 2
        await till.server(tls=True)
        order = switch(seq, cutover=seq)
        if not await crash(make_driver(till.host), till, order, reached + 1, late=late):
            break
        reached += 1
        again = make_driver(till.host)
        await again.runner.recover()
        assert again.reports[-1].outcome == "done", f"crash at act {reached}: {till.acts.done}"
        assert till.touch.secure, f"crash at act {reached}: {till.acts.done}"
        await till.server(tls=False)
        assert (await again.do(undo(seq + 1, cutover=seq))).outcome == "done"
        assert till.data == before, f"crash at act {reached}"
        assert not till.touch.secure
        assert owed.read(till.host.config.state) == owed.NOTHING
    assert reached > 8
    assert (till.touch.twice, till.files.while_running, till.touch.kills) == (0, 0, 0)


@pytest.mark.parametrize("slow", [0, 3], ids=["at once", "starting slowly"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_an_undo_goes_on_after_a_crash_at_any_act(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable, late: bool, slow: int
) -> None:
    before, reached, seq = till.data, 0, 0
    till.touch.slow = slow
    while True:
        seq += 2
        await till.server(tls=True)
        driver = make_driver(till.host)
        assert (await driver.do(switch(seq, cutover=seq))).outcome == "done"
        await till.server(tls=False)
        if not await crash(driver, till, undo(seq + 1, cutover=seq), reached + 1, late=late):
            break
        reached += 1
        again = make_driver(till.host)
        await again.runner.recover()
        assert again.reports[-1].outcome == "done", f"crash at act {reached}: {till.acts.done}"
        assert till.data == before, f"crash at act {reached}"
        assert not till.touch.secure, f"crash at act {reached}"
        assert owed.read(till.host.config.state) == owed.NOTHING
    assert reached > 5
    assert (till.touch.twice, till.files.while_running, till.touch.kills) == (0, 0, 0)


async def test_an_instruction_without_the_restart_is_refused_and_the_inventory_sent(
    till: Till, make_driver: Callable, make_instruction: Callable
) -> None:
    driver = make_driver(till.host)
    finished = await driver.do(make_instruction("terminal"))
    assert (finished.outcome, finished.finding.code) == ("refused", "restart_not_planned")
    assert driver.runner.changed.is_set()
    assert till.acts.done == []


async def test_arming_finds_out_that_touch_could_not_be_restarted(
    till: Till, make_driver: Callable, make_instruction: Callable
) -> None:
    till.host.config.state.mkdir(exist_ok=True)
    arm = make_instruction("terminal", action="arm")
    assert (await make_driver(till.host).do(arm)).outcome == "done"
    till.host.touch = NoTouch()
    finished = await make_driver(till.host).do(make_instruction("terminal", seq=2, action="arm"))
    assert (finished.outcome, finished.finding.code) == ("failed", "restart_impossible")
    till.restarts(how="never")
    assert (await make_driver(till.host).do(make_instruction("terminal", seq=3, action="arm"))).outcome == "done"


async def test_where_nothing_is_restarted_the_step_finds_nothing_to_do(
    till: Till, make_driver: Callable, switch: Callable
) -> None:
    till.restarts(how="never")
    await till.server(tls=True)
    assert (await make_driver(till.host).do(switch())).outcome == "done"
    assert [act for act in till.acts.done if " " not in act] == ["write"]


# --- restarting the machine -----------------------------------------------------------------------------


async def through(make_driver: Callable, till: Till, work: Callable[..., Awaitable[object]]) -> object:
    """Carry out this work, across restarts of the machine: each ends the agent's process. Returns the last report."""
    driver = make_driver(till.host)
    try:
        await work(driver)
    except Crash:
        for _ in range(5):
            driver = make_driver(till.host)
            try:
                await driver.runner.recover()
                break
            except Crash:
                continue
    return driver.reports[-1]


async def test_the_machine_is_restarted_once_and_the_journal_goes_on(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    till.restarts(how="reboot")
    till.touch.cached = till.touch.since_ms = None  # a Touch that does not write back when the machine ends
    before = till.data
    await till.server(tls=True)
    finished = await through(make_driver, till, lambda driver: driver.do(switch()))
    assert (finished.outcome, till.touch.reboots, till.touch.secure) == ("done", 1, True)
    till.touch.cached = None
    await till.server(tls=False)
    finished = await through(make_driver, till, lambda driver: driver.do(undo()))
    assert (finished.outcome, till.touch.reboots, till.touch.secure) == ("done", 2, False)
    assert till.data == before
    assert owed.read(till.host.config.state) == owed.NOTHING


async def test_settings_that_touch_wrote_back_at_the_restart_are_set_again_before_it_starts(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable
) -> None:
    till.restarts(how="reboot")
    till.touch.starts_with_machine = False
    before = till.data
    await till.server(tls=True)
    finished = await through(make_driver, till, lambda driver: driver.do(switch()))
    assert (finished.outcome, till.touch.reboots) == ("done", 1)
    assert b"<Secured>True" in till.data
    till.touch.open()
    await till.server(tls=False)
    finished = await through(make_driver, till, lambda driver: driver.do(undo()))
    assert (finished.outcome, till.touch.reboots, till.data) == ("done", 2, before)


async def test_a_touch_that_started_with_the_old_settings_is_named(till: Till, make_driver: Callable, switch: Callable) -> None:
    till.restarts(how="reboot")
    await till.server(tls=True)
    before = till.data
    finished = await through(make_driver, till, lambda driver: driver.do(switch()))
    assert (finished.outcome, finished.finding.code) == ("failed", "settings_overwritten")
    assert till.data == before


async def test_a_machine_that_does_not_go_down_is_busy(till: Till, make_driver: Callable, switch: Callable) -> None:
    till.restarts(how="reboot", limit_s=5)
    till.touch.in_sale = True
    await till.server(tls=True)
    before = till.data
    finished = await make_driver(till.host).do(switch())
    assert (finished.outcome, finished.finding.code, finished.retryable) == ("failed", "touch_busy", True)
    assert (till.data, till.touch.reboots) == (before, 0)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_act_around_a_restart_leads_to_the_same_end(
    till: Till, make_driver: Callable, switch: Callable, undo: Callable, late: bool
) -> None:
    till.restarts(how="reboot")
    before, reached, seq = till.data, 0, 0
    while True:
        seq += 2
        till.touch.cached = None
        till.touch.reboots = 0
        await till.server(tls=True)
        till.acts.done.clear()
        till.acts.crash_at, till.acts.late = reached + 1, late
        there = switch(seq, cutover=seq)
        finished = await through(make_driver, till, lambda driver, order=there: driver.do(order))
        assert (finished.outcome, till.touch.secure, till.touch.reboots) == ("done", True, 1), till.acts.done
        till.touch.cached = None
        await till.server(tls=False)
        back = undo(seq + 1, cutover=seq)
        finished = await through(make_driver, till, lambda driver, order=back: driver.do(order))
        assert (finished.outcome, till.touch.secure, till.data) == ("done", False, before), till.acts.done
        assert till.touch.reboots == 2, till.acts.done
        if len(till.acts.done) <= reached:
            break
        reached += 1
    assert reached > 15
