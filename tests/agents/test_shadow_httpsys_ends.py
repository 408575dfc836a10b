"""The shadow listener through http.sys, however it ends: nothing is left in http.sys's tables, or whoever starts next
takes it away, and nobody takes what is there meanwhile for something else."""

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import certificates
import pytest
from fake_httpsys import FakeHttpSys
from fake_windows import Crash, FakeWindows
from test_rehearsals import Device

from agents import catalogue
from agents.agent import run_agent
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import netsh, program, spare_binding
from agents.hosts.host import ServerHost
from agents.hosts.inventory.inventory import Inventory
from agents.protocol import Instruction, Rehearsal
from agents.rehearsal import rehearsals
from agents.rehearsal.shadow_httpsys import HttpSysShadow
from agents.transport import Transport

FOREIGN = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"


@pytest.fixture
async def machine(server: ServerHost, httpsys: FakeHttpSys, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Device]:
    monkeypatch.setattr(rehearsals, "KIND", functools.partial(HttpSysShadow, listen=httpsys))
    device = Device(server)
    yield device
    await device.rehearsals.stop()


def record(server: ServerHost) -> Path:
    return server.config.state / spare_binding.FILE


def netsh_row(row: list[str]) -> Any:
    return netsh.Binding(row[0], row[1].upper(), row[2], row[3])


# --- however it ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
async def test_a_crash_at_any_call_leaves_nothing_to_the_next_agent(
    httpsys_shadow: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows, server: ServerHost, late: bool
) -> None:
    before = windows.snapshot()
    windows.crash_late = late
    for call in itertools.count(1):
        windows.calls.clear()
        windows.crash_at = call
        dead = httpsys_shadow()
        try:
            await dead.open()
            await dead._end()
        except Crash:
            crashed = True
        else:
            crashed = False
        windows.crash_at = 0
        left = [row for row in windows.sslcert if row not in before[1]]
        assert not left or record(server).exists(), "bound and not written down"
        assert len(left) <= 1
        for listener in httpsys.listeners:
            listener.close()  # Windows does, with the process
        await Device(server).rehearsals.sweep()
        assert (windows.snapshot(), record(server).exists()) == (before, False)
        if not crashed:
            break
    assert call > 5  # every command of an opening and a closing has been crashed at


async def test_the_next_look_takes_away_what_a_dead_agent_left(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate
) -> None:
    left = ["0.0.0.0:50123", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    windows.sslcert.append(left)
    await spare_binding.add(server.config.state, netsh_row(left))
    shadow_ = httpsys_shadow()
    await shadow_.open()
    assert left not in windows.sslcert
    assert len(windows.sslcert) == 2


async def test_an_agent_that_starts_takes_it_away_before_it_speaks(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, speaking = windows.snapshot(), asyncio.Event()
    await spare_binding.add(
        server.config.state, netsh_row(["0.0.0.0:50123", certificate.thumbprint.lower(), catalogue.APPID, "MY"])
    )

    async def speak(_: Transport) -> None:
        speaking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Transport, "_run", speak)
    agent = asyncio.create_task(run_agent(server.config, network=server.network, files=server.files))
    await asyncio.wait_for(speaking.wait(), 20)
    assert (windows.snapshot(), record(server).exists()) == (before, False)
    agent.cancel()
    await asyncio.gather(agent, return_exceptions=True)


@pytest.mark.parametrize(("hash_", "appid"), [("cd" * 20, catalogue.APPID), (None, FOREIGN)])
async def test_what_is_no_longer_ours_stays(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, hash_: str | None, appid: str
) -> None:
    row = ["0.0.0.0:50123", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    other = [row[0], hash_ or row[1], appid, "MY"]
    windows.sslcert[-1] = other
    await Device(server).rehearsals.sweep()
    assert other in windows.sslcert
    assert not record(server).exists()


async def test_the_service_itself_has_moved_to_that_port(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, port: int
) -> None:
    row = [f"0.0.0.0:{port}", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    await Device(server).rehearsals.sweep()
    assert row in windows.sslcert
    assert not record(server).exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"endpoint": 1, "certhash": "", "appid": "", "store": ""}', b"\xff"])
async def test_a_record_that_cannot_be_read_touches_nothing(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, data: bytes
) -> None:
    server.config.state.mkdir()
    record(server).write_bytes(data)
    await Device(server).rehearsals.sweep()
    assert windows.changes() == []
    shadow_ = httpsys_shadow()
    await shadow_.open()  # and it is in nobody's way


async def test_what_cannot_be_taken_away_stays_written_down(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate
) -> None:
    row = ["0.0.0.0:50123", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    windows.fail["netsh http delete sslcert"] = "\nSSL Certificate deletion failed, Error: 5\nAccess is denied.\n"
    await Device(server).rehearsals.sweep()
    assert record(server).exists()
    with pytest.raises(StepError) as caught:
        await httpsys_shadow().open()
    assert caught.value.finding.code == "access_denied"
    assert record(server).exists()
    windows.fail.clear()
    await Device(server).rehearsals.sweep()
    assert not record(server).exists()


async def test_a_cutover_ends_it_at_once_and_its_binding_soon(
    machine: Device, opening: Rehearsal, httpsys: FakeHttpSys, windows: FakeWindows
) -> None:
    before = windows.snapshot()
    machine.take(opening)
    assert (await machine.answer()).finding is None
    machine.rehearsals.give_way()
    assert httpsys.listeners[0].coming.get(timeout=1) is None  # workers hear of it before anything else is done
    httpsys.listeners[0].coming.put(None)
    await asyncio.wait_for(machine.rehearsals._shadow._ended(), 20)
    assert (windows.snapshot(), httpsys.listeners[0].closed) == (before, True)


async def test_it_ends_at_its_time(machine: Device, opening: Rehearsal, windows: FakeWindows) -> None:
    before = windows.snapshot()
    machine.take(opening)
    assert (await machine.answer()).finding is None
    machine.clock.learn(opening.expires_ms)
    await asyncio.wait_for(machine.rehearsals._expire(machine.rehearsals._shadow), 20)
    assert windows.snapshot() == before


async def test_an_agent_that_ends_takes_it_away(machine: Device, opening: Rehearsal, windows: FakeWindows) -> None:
    before = windows.snapshot()
    machine.take(opening)
    await machine.answer()
    assert windows.snapshot() != before
    await machine.rehearsals.stop()
    assert windows.snapshot() == before


async def test_a_cutover_in_the_middle_of_binding_leaves_no_binding(
    machine: Device, opening: Rehearsal, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """netsh goes on although the rehearsal was ended: what it makes is taken away after it."""
    before, begun, go_on = windows.snapshot(), asyncio.Event(), asyncio.Event()

    async def slowly(program_: str, *arguments: str) -> Any:
        async def to_its_end() -> Any:
            if arguments[1] == "add":
                begun.set()
                await go_on.wait()
            return await windows.run(program_, *arguments)

        running = asyncio.ensure_future(to_its_end())
        try:
            await asyncio.shield(running)
        finally:
            await running
        return running.result()

    monkeypatch.setattr(program, "run", slowly)
    machine.take(opening)
    await asyncio.wait_for(begun.wait(), 20)
    machine.rehearsals.give_way()
    assert await machine.code() == "busy"
    go_on.set()
    await asyncio.wait_for(machine.rehearsals._shadow._ended(), 20)
    assert [call.split()[2] for call in windows.changes()] == ["add", "delete"]
    assert windows.snapshot() == before


# --- what others see of it ----------------------------------------------------------------------------------


async def test_the_inventory_says_whose_the_row_is(
    httpsys_shadow: Callable[[], HttpSysShadow], server: ServerHost, windows: FakeWindows
) -> None:
    windows.sslcert.append(["0.0.0.0:8000", "cd" * 20, catalogue.APPID, "MY"])
    shadow_ = httpsys_shadow()
    await shadow_.open()
    told = (await Inventory(server, Clock()).facts())["sslcert"]
    marked = {row["endpoint"]: row.get("rehearsal") for row in told}
    assert marked == {"0.0.0.0:443": None, "0.0.0.0:8000": None, f"0.0.0.0:{shadow_.facts['port']}": True}


async def test_a_cutover_goes_by_what_a_dead_agent_left(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, make_driver: Callable[..., Any],
    make_instruction: Callable[..., Instruction],
) -> None:  # fmt: skip
    left = ["0.0.0.0:50123", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(left))
    before = windows.snapshot()
    driver = make_driver(server)
    for number, action in ((1, "arm"), (2, "switch"), (3, "undo")):
        done = await driver.do(make_instruction("server", seq=number, epoch=number, action=action))
        assert (done.outcome, done.finding) == ("done", None)
    assert windows.snapshot() == before
    await Device(server).rehearsals.sweep()
    assert left not in windows.sslcert
