"""A reference Touch that caches its settings: closed and started by orders, whatever process dies meanwhile."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from agents import config
from agents.errors import StepError
from agents.lab.build import build
from agents.lab.faults import Faults
from agents.lab.touch import reference, state
from agents.lab.touch.program import LabTouch
from agents.lab.touch.reference import CachingTouch, LiveTouch
from agents.lab.touch.state import State
from agents.profiles.restart import NEVER
from tests.lab.conftest import Lab, await_that

OLD, NEW = b"<Secured>False</Secured>", b"<Secured>True</Secured>"


class Killed(BaseException):
    """The lab's process ends here."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A terminal whose Touch runs."""
    made = tmp_path / "terminals" / "Bar-01"
    made.mkdir(parents=True)
    (made / reference.SETTINGS).write_bytes(OLD)
    state.write(made, State(True, 0))
    return made


def settings(folder: Path) -> bytes:
    return (folder / reference.SETTINGS).read_bytes()


def touch_of(folder: Path) -> CachingTouch:
    """A new process of the lab."""
    made = reference.of(folder, Faults(folder.parents[1]))
    assert isinstance(made, CachingTouch)
    return made


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[CachingTouch]:
    touch = touch_of(folder)
    task = asyncio.create_task(touch.run())
    try:
        yield touch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def touch(folder: Path) -> AsyncIterator[CachingTouch]:
    async with running(folder) as made:
        yield made


async def code_of(work: Awaitable[None]) -> str:
    with pytest.raises(StepError) as caught:
        await work
    return caught.value.finding.code


def test_without_a_state_its_settings_are_read_anew(folder: Path) -> None:
    (folder / state.STATE).unlink()
    touch = reference.of(folder, Faults(folder.parents[1]))
    assert isinstance(touch, LiveTouch)
    (folder / reference.SETTINGS).write_bytes(NEW)
    assert touch.settings() == NEW


async def test_it_does_not_notice_new_settings_and_writes_its_own_back(folder: Path, touch: CachingTouch) -> None:
    (folder / reference.SETTINGS).write_bytes(NEW)
    assert touch.settings() == OLD
    await LabTouch(folder).close(5, kill=False)
    assert settings(folder) == OLD
    with pytest.raises(OSError, match="Touch is closed"):
        touch.settings()


async def test_what_is_written_while_it_is_closed_is_read_at_its_start(folder: Path, touch: CachingTouch) -> None:
    program = LabTouch(folder)
    await program.close(5, kill=False)
    assert (await program.state()).running is False
    (folder / reference.SETTINGS).write_bytes(NEW)
    await program.start()
    assert await program.appears(5)
    assert touch.settings() == NEW
    since = (await program.state()).since_ms
    assert since is not None
    assert since >= (folder / reference.SETTINGS).stat().st_mtime_ns // 1_000_000
    assert state.events(folder) == ["started", "closed", "started"]


async def test_it_is_not_started_twice(folder: Path, touch: CachingTouch) -> None:
    program = LabTouch(folder)
    await program.start()
    await asyncio.to_thread(await_that, lambda: state.ordered(folder) is None and state.taken(folder) is None, "it is taken")
    assert state.events(folder) == ["started"]


async def test_in_a_sale_it_stays_open_and_the_order_is_taken_back(folder: Path, touch: CachingTouch) -> None:
    faults = folder.parents[1] / "faults.json"
    faults.write_text('{"terminals": {"Bar-01": {"in_sale": true}}}')
    assert await code_of(LabTouch(folder).close(0.3, kill=False)) == "touch_busy"
    faults.unlink()
    assert (state.ordered(folder), state.taken(folder), touch.settings()) == (None, None, OLD)
    await LabTouch(folder).close(5, kill=False)


async def test_one_that_is_killed_writes_nothing_back(folder: Path, touch: CachingTouch) -> None:
    (folder.parents[1] / "faults.json").write_text('{"terminals": {"Bar-01": {"in_sale": true}}}')
    (folder / reference.SETTINGS).write_bytes(NEW)
    await LabTouch(folder).close(0.2, kill=True)
    assert settings(folder) == NEW
    assert state.events(folder) == ["started", "killed"]


async def test_a_new_process_has_it_as_it_was(folder: Path) -> None:
    async with running(folder):
        await LabTouch(folder).close(5, kill=False)
    (folder / reference.SETTINGS).write_bytes(NEW)
    async with running(folder) as touch:
        with pytest.raises(OSError, match="Touch is closed"):
            touch.settings()
        program = LabTouch(folder)
        await program.start()
        assert await program.appears(5)
    async with running(folder) as touch:
        assert touch.settings() == NEW
    assert state.events(folder) == ["started", "closed", "started", "started"], "its process was killed, and it with it"


@pytest.mark.parametrize("want", ["closed", "killed", "running"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_an_order_outlives_a_kill_at_any_act(
    folder: Path, monkeypatch: pytest.MonkeyPatch, want: str, late: bool
) -> None:
    real, acts, deadly = os.replace, 0, 0

    def replace(source: Path, target: Path) -> None:
        nonlocal acts
        acts += 1
        if acts == deadly and not late:
            raise Killed
        real(source, target)
        if acts == deadly and late:
            raise Killed

    monkeypatch.setattr(os, "replace", replace)
    for number in range(1, 10):
        deadly = 0
        (folder / reference.SETTINGS).write_bytes(OLD)
        state.write(folder, State(want != "running", 0))
        touch = touch_of(folder)
        state.order(folder, want)
        acts, deadly = 0, number
        with contextlib.suppress(Killed):
            touch.look()
        died, deadly = acts >= number, 0
        async with running(folder):
            await asyncio.to_thread(await_that, lambda: state.ordered(folder) is None, "the order is taken")
            await asyncio.to_thread(await_that, lambda: state.taken(folder) is None, "the order is carried out")
        now = state.read(folder)
        assert now is not None
        assert (now.running, settings(folder)) == (want == "running", OLD), number
        if not died:
            break
    assert number > 2


def test_a_terminal_of_such_a_lab_is_restarted_by_its_agent(tmp_path: Path) -> None:
    port, ca = 10177, tmp_path / "ca.pem"
    layout = build(
        tmp_path / "lab", terminals=2, seed=3, port=port, gateway="wss://localhost:9/agent", gateway_ca=ca, caches=True
    )
    plain = build(tmp_path / "plain", terminals=2, seed=3, port=port, gateway="wss://localhost:9/agent", gateway_ca=ca)
    for name in layout.names:
        loaded = config.load(layout.agent_config(name))
        assert loaded.profile is not None
        assert (loaded.profile.restart.how, loaded.profile.restart.kill) == ("program", False)
        assert loaded.settings == layout.terminal_dir(name) / reference.SETTINGS
        assert settings(layout.terminal_dir(name)) == settings(plain.terminal_dir(name))
        assert (config.load(plain.agent_config(name)).profile or NEVER) is NEVER
    again = build(tmp_path / "lab", terminals=2, seed=3, port=port, gateway="wss://localhost:8/agent", gateway_ca=ca)
    assert config.load(again.agent_config(again.names[0])).profile is not None, "after a restart of the lab, too"


@pytest.mark.lab
def test_a_closed_touch_looks_nothing_up_and_stays_closed_when_its_process_is_killed(lab: Lab) -> None:
    name, *others = lab.layout.names
    folder = lab.layout.terminal_dir(name)
    state.write(folder, State(True, 0))
    lab.netpos()
    child = lab.start("terminals", "--names", ",".join(lab.layout.names))
    lab.await_lookup(name, "works", lambda row: row["ok"])
    asyncio.run(LabTouch(folder).close(5, kill=False))
    closed = lab.await_lookup(name, "says that it is closed", lambda row: not row["ok"])
    assert (closed["scheme"], closed["error"]) == (None, "Touch is closed")
    assert lab.await_lookup(others[0], "goes on", lambda row: True)["ok"]
    child.send_signal(signal.SIGKILL)
    child.wait()
    lab.start("terminals", "--names", ",".join(lab.layout.names))
    assert lab.await_lookup(name, "is still closed", lambda row: True)["error"] == "Touch is closed"
    state.order(folder, "running")
    lab.await_lookup(name, "works again", lambda row: row["ok"])
