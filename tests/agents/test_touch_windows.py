"""Touch on Windows, with stand-ins for Windows' functions: what they are asked, and what becomes of their errors. The functions
themselves run under Wine in tests/windows/test_touch.py."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.errors import StepError
from agents.hosts.touch import windows as touch_windows
from agents.hosts.touch.windows import WindowsTouch
from agents.profiles.restart import TouchRestart
from agents.winapi import dll, processes, restarting, sessions, top_windows
from agents.winapi.processes import Process

PROGRAM = TouchRestart("program", 5, "Touch.exe", "C:\\Pos\\Touch.exe", ("/site", "a b"))


class Machine:
    """What runs, and what was asked of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs: dict[str, list[Process]] = {}
        self.asked: list[Any] = []
        self.closes_when_asked = True
        self.windows = 1  # how many of its windows can be asked
        self.service = False
        self.user: int | Exception = 3
        monkeypatch.setattr(touch_windows, "LOOK_S", 0.001)
        monkeypatch.setattr(touch_windows, "ASK_S", 0.005)
        monkeypatch.setattr(processes, "named", lambda name: self.programs.get(name, []))
        monkeypatch.setattr(processes, "end", self.end)
        monkeypatch.setattr(top_windows, "ask_to_close", lambda pids: self.close(sorted(pids)))
        monkeypatch.setattr(sessions, "as_service", lambda: self.service)
        monkeypatch.setattr(sessions, "user_session", self.session)
        monkeypatch.setattr(sessions, "start", self.start)
        monkeypatch.setattr(sessions, "run", self.run)

    def close(self, asked: Any) -> int:
        self.asked.append(asked)
        if self.closes_when_asked and self.windows:
            self.programs.clear()
        return self.windows

    def run(self, program: str, arguments: list[str], folder: str, *, session: int, limit_s: float) -> int | None:
        assert arguments[:2] == ["-m", "agents.commands.close_window"]
        return 0 if self.close((session, arguments[2:])) else 3

    def start(self, program: str, arguments: tuple[str, ...], folder: str, **more: Any) -> int:
        self.asked.append((program, arguments, folder, more["session"]))
        return 1

    def session(self) -> int:
        if isinstance(self.user, Exception):
            raise self.user
        return self.user

    def end(self, pid: int) -> None:
        self.asked.append(f"end {pid}")
        self.programs = {name: [one for one in rows if one.pid != pid] for name, rows in self.programs.items()}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


async def code_of(act: Callable) -> str:
    with pytest.raises(StepError) as caught:
        await act()
    return caught.value.finding.code


async def test_it_runs_since_its_first_process_started(machine: Machine) -> None:
    assert (await WindowsTouch(PROGRAM).state()).running is False
    machine.programs["Touch.exe"] = [Process(7, 2000, 1), Process(8, 1000, 1), Process(9, None, 1)]
    state = await WindowsTouch(PROGRAM).state()
    assert (state.running, state.since_ms) == (True, 1000)


async def test_without_a_name_it_is_found_but_never_said_to_be_closed(machine: Machine) -> None:
    unnamed = WindowsTouch(TouchRestart())
    assert (await unnamed.state()).running is None
    machine.programs["Touch.exe"] = [Process(7, 2000, 1)]
    assert (await unnamed.state()).running is True


async def test_it_is_asked_once_and_waited_for(machine: Machine) -> None:
    machine.programs["Touch.exe"] = [Process(7, 1, 1), Process(8, 1, 1)]
    await WindowsTouch(PROGRAM).close(5, kill=False)
    assert machine.asked == [[7, 8]]


async def test_one_that_stays_open_is_asked_once_only_and_left_running(machine: Machine) -> None:
    machine.programs["Touch.exe"] = [Process(7, 1, 1)]
    machine.closes_when_asked = False
    assert await code_of(lambda: WindowsTouch(PROGRAM).close(0.05, kill=False)) == "touch_busy"
    assert machine.asked == [[7]]


async def test_while_a_dialog_is_open_its_window_is_looked_for_again(machine: Machine) -> None:
    machine.programs["Touch.exe"] = [Process(7, 1, 1)]
    machine.windows = 0
    assert await code_of(lambda: WindowsTouch(PROGRAM).close(0.05, kill=False)) == "touch_busy"
    assert len(machine.asked) > 1


async def test_only_kill_ends_it_hard_and_only_after_the_limit(machine: Machine) -> None:
    machine.programs["Touch.exe"] = [Process(7, 1, 1)]
    machine.closes_when_asked = False
    await WindowsTouch(PROGRAM).close(0.02, kill=True)
    assert machine.asked == [[7], "end 7"]


async def test_a_service_asks_in_the_session_of_each_program(machine: Machine) -> None:
    machine.service = True
    machine.programs["Touch.exe"] = [Process(7, 1, 2), Process(8, 1, 2)]
    await WindowsTouch(PROGRAM).close(5, kill=False)
    assert machine.asked == [(2, ["7", "8"])]


async def test_a_service_starts_it_in_the_users_session_a_person_in_his_own(machine: Machine) -> None:
    await WindowsTouch(PROGRAM).start()
    machine.service = True
    await WindowsTouch(PROGRAM).start()
    start = ("C:\\Pos\\Touch.exe", ("/site", "a b"), "C:\\Pos")
    assert machine.asked == [(*start, None), (*start, 3)]


async def test_without_a_user_it_says_so(machine: Machine) -> None:
    machine.service, machine.user = True, sessions.NobodyLoggedIn()
    assert await code_of(WindowsTouch(PROGRAM).start) == "no_user_session"
    assert machine.asked == []


def test_before_the_night_it_looks_for_the_program(machine: Machine, tmp_path: Path) -> None:
    program = tmp_path / "Touch.exe"
    touch = WindowsTouch(TouchRestart("program", 5, "Touch.exe", str(program)))
    with pytest.raises(StepError, match="is not there"):
        touch.check()
    program.touch()
    touch.check()


async def test_an_error_of_windows_is_told_with_its_number(machine: Machine) -> None:
    machine.service, machine.user = True, dll.Refused("WTSQueryUserToken", 1314)
    with pytest.raises(StepError, match="WTSQueryUserToken failed with Windows' error 0x00000522") as caught:
        await WindowsTouch(PROGRAM).start()
    assert caught.value.finding.code == "restart_failed"


async def test_a_restart_that_does_not_happen_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(touch_windows, "GRACE_S", 0)
    monkeypatch.setattr(restarting, "restart", lambda message, grace_s: done.append(grace_s))
    monkeypatch.setattr(restarting, "abort", lambda: done.append("abort"))
    await WindowsTouch(TouchRestart("reboot", 5)).reboot(0.01)
    assert done == [0, "abort"]


def fake(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """WTSQueryUserToken fails with this error."""
    library = SimpleNamespace(WTSQueryUserToken=lambda session, token: 0)
    monkeypatch.setattr(sessions, "_wtsapi32", lambda: library)
    monkeypatch.setattr(dll, "refused", lambda what: dll.Refused(what, number))


def test_a_session_without_a_user_is_told_apart_from_a_missing_right(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, 1008)
    with pytest.raises(sessions.NobodyLoggedIn):
        sessions.start("C:\\x.exe", [], "C:\\", session=3)
    fake(monkeypatch, 1314)
    with pytest.raises(dll.Refused):
        sessions.start("C:\\x.exe", [], "C:\\", session=3)


def test_arguments_are_quoted_for_windows() -> None:
    line = sessions.command_line("C:\\Program Files\\Touch.exe", ["", "a b", 'x"y', "end\\"])
    assert line == '"C:\\Program Files\\Touch.exe" "" "a b" x\\"y end\\'


async def test_on_other_systems_nothing_is_pretended() -> None:
    from agents.hosts.touch import choice
    from agents.hosts.touch.elsewhere import NoTouch

    touch = choice.of(PROGRAM)
    assert isinstance(touch, NoTouch)
    assert (await touch.state()).running is None
    assert await code_of(lambda: touch.close(1, kill=True)) == "restart_impossible"
    assert await code_of(touch.start) == "restart_impossible"
