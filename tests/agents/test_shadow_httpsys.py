"""The shadow listener through http.sys: what tills meet, what it leaves in http.sys's tables, and that this is nothing,
however it ends. The emulated netsh stands in for Windows' own, and a listener with real TLS for the driver."""

import asyncio
import functools
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import certificates
import pytest
from fake_httpsys import FakeHttpSys
from fake_windows import MEMBER, Crash, FakeWindows
from rehearsing import disk, order
from test_rehearsals import Device, listens

from agents.agent import run_agent
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import netsh, program, spare_binding
from agents.hosts.inventory import Inventory
from agents.hosts.windows import ServerHost, TerminalHost
from agents.protocol import Instruction, Rehearsal
from agents.rehearsal import rehearsals, shadow
from agents.rehearsal.rounds import KINDS
from agents.rehearsal.seat import Seat
from agents.rehearsal.shadow_httpsys import ATTEMPTS, HttpSysShadow
from agents.transport import Transport

FOREIGN = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"
SAMPLES = 3


@pytest.fixture
def httpsys(windows: FakeWindows, certificate: certificates.Certificate, tmp_path: Path) -> FakeHttpSys:
    """A driver that sends the leaf with its issuer, and only where this very certificate is bound."""
    sent = tmp_path / "sent.pem"
    sent.write_bytes(certificate.pem.read_bytes() + certificate.root.read_bytes())
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(sent, certificate.key)

    def context(port: int) -> ssl.SSLContext | None:
        row = next((row for row in windows.sslcert if row[0] == f"0.0.0.0:{port}"), None)
        if row is None or row[1].upper() != certificate.thumbprint:
            return None
        return made

    return FakeHttpSys(context)


@pytest.fixture
def opening(port: int, certificate: certificates.Certificate) -> Rehearsal:
    return order("open", port, thumbprint=certificate.thumbprint)


@pytest.fixture
async def make(server: ServerHost, opening: Rehearsal, httpsys: FakeHttpSys) -> AsyncIterator[Callable[[], HttpSysShadow]]:
    made: list[HttpSysShadow] = []

    def one() -> HttpSysShadow:
        made.append(HttpSysShadow(server, opening, httpsys))
        return made[-1]

    yield one
    for shadow_ in made:
        await shadow_.close()
    for listener in httpsys.listeners:
        listener.close()


@pytest.fixture
async def machine(server: ServerHost, httpsys: FakeHttpSys, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Device]:
    monkeypatch.setattr(rehearsals, "KIND", functools.partial(HttpSysShadow, listen=httpsys))
    device = Device(server)
    yield device
    await device.rehearsals.stop()


def record(server: ServerHost) -> Path:
    return server.config.state / spare_binding.FILE


async def refused(shadow_: HttpSysShadow) -> StepError:
    with pytest.raises(StepError) as caught:
        await shadow_.open()
    return caught.value


# --- what it is for ---------------------------------------------------------------------------------------


async def test_a_till_meets_what_is_bound_and_nothing_is_left_of_it(
    make: Callable[[], HttpSysShadow], server: ServerHost, terminal: TerminalHost, windows: FakeWindows,
    certificate: certificates.Certificate, port: int, tmp_path: Path,
) -> None:  # fmt: skip
    server.config.state.mkdir()
    before, files = windows.snapshot(), disk(tmp_path)
    shadow_ = make()
    await shadow_.open()
    facts = shadow_.facts
    assert sorted(facts) == ["chain", "plain_port", "port"]  # what a handshake costs the server cannot be seen
    sent = [certificate.pem.read_text().split(), certificate.root.read_text().split()]
    assert [text.split() for text in facts["chain"]] == sent
    spare = [f"0.0.0.0:{facts['port']}", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    assert windows.snapshot()[1] == sorted([*before[1], spare])
    assert [json.loads(record(server).read_bytes())[name] for name in ("endpoint", "appid")] == [spare[0], spare[2]]
    ask = order(
        "ask", port, thumbprint=certificate.thumbprint, samples=SAMPLES,
        shadow_port=facts["port"], plain_port=facts["plain_port"],
    )  # fmt: skip
    seat = Seat(terminal, Clock(), ask, {})
    await seat.ask()
    assert seat.facts["thumbprint"] == certificate.thumbprint
    assert {kind: len(values) for kind, values in seat.facts["samples"].items()} == dict.fromkeys(KINDS, SAMPLES)
    await shadow_.close()
    assert shadow_.counts == {"handshakes": 1 + 2 * SAMPLES, "lookups": 2 + 5 * SAMPLES}
    assert (windows.snapshot(), disk(tmp_path)) == (before, files)
    assert not await listens(facts["port"])
    assert (await server.lookup(MEMBER, 5)).status == 200


async def test_the_live_ports_rows_are_in_no_command(
    make: Callable[[], HttpSysShadow], windows: FakeWindows, port: int
) -> None:
    shadow_ = make()
    await shadow_.open()
    await shadow_.close()
    assert [call.split("ipport=")[0] for call in windows.changes()] == ["netsh http add sslcert ", "netsh http delete sslcert "]
    assert not [call for call in windows.changes() if f":{port}" in call]


# --- ports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [183, 32])
async def test_a_port_that_somebody_else_has_is_left_to_him(
    make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows, number: int
) -> None:
    httpsys.refuse = [number, number]
    shadow_ = make()
    await shadow_.open()
    first, second, third = httpsys.tried
    assert len({*first, *second, *third}) == 6
    assert [row[0] for row in windows.sslcert] == ["0.0.0.0:443", f"0.0.0.0:{third[0]}"]


async def test_ports_end_some_time(make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows) -> None:
    before = windows.snapshot()
    httpsys.refuse = [32] * 100
    assert (await refused(make())).finding.code == "shadow_failed"
    assert len(httpsys.tried) == ATTEMPTS
    assert windows.snapshot() == before


class _Offered:
    """A spare port of the test's choice."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __enter__(self) -> "_Offered":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def getsockname(self) -> tuple[str, int]:
        return "", self.port


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Windows offers this port first, then others."""

    def first(port: int) -> None:
        really, offered = shadow.spare, iter([port])
        monkeypatch.setattr(shadow, "spare", lambda: _Offered(port) if next(offered, None) else really())

    return first


@pytest.mark.parametrize("table", ["sslcert", "urlacl", "live"])
async def test_a_port_that_the_tables_name_is_not_taken(
    make: Callable[[], HttpSysShadow], offer: Callable[[int], None], windows: FakeWindows, port: int, table: str
) -> None:
    offered = port if table == "live" else 50123
    if table == "sslcert":
        windows.sslcert.append(["10.0.0.5:50123", "cd" * 20, FOREIGN, "MY"])
    elif table == "urlacl":
        windows.urlacl.append(["http://+:50123/other/", "D:(A;;GX;;;WD)"])
    else:
        windows.urlacl.clear()  # the service's account needs none
    offer(offered)
    shadow_ = make()
    await shadow_.open()
    assert offered not in (shadow_.facts["port"], shadow_.facts["plain_port"])


async def test_who_binds_the_port_in_between_keeps_it(
    make: Callable[[], HttpSysShadow], offer: Callable[[int], None], windows: FakeWindows, server: ServerHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    foreign = ["0.0.0.0:50123", "cd" * 20, FOREIGN, "MY"]
    windows.sslcert.append(foreign)

    async def not_yet() -> tuple[()]:
        return ()

    monkeypatch.setattr(netsh, "all_bindings", not_yet)
    offer(50123)
    shadow_ = make()
    await shadow_.open()
    assert shadow_.facts["port"] != 50123
    await shadow_.close()
    assert foreign in windows.sslcert
    assert (len(windows.sslcert), record(server).exists()) == (2, False)


# --- why it cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(5, "access_denied"), (87, "shadow_failed")])
async def test_an_account_that_may_not_listen_and_other_errors(
    make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows, server: ServerHost, number: int, code: str
) -> None:
    before = windows.snapshot()
    httpsys.refuse = [number]
    error = await refused(make())
    assert (error.finding.code, f"error {number}" in error.finding.message) == (code, True)
    assert (windows.snapshot(), record(server).exists()) == (before, False)


async def test_a_key_that_windows_cannot_use_is_seen_by_the_handshake(
    make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows
) -> None:
    before = windows.snapshot()
    httpsys.context = lambda port: None
    error = await refused(make())
    assert (error.finding.code, "36870" in error.finding.remedy) == ("key_unreadable", True)
    assert windows.snapshot() == before


async def test_another_certificate_on_the_wire_than_was_bound(
    make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "other")
    httpsys.context = lambda port: other.server_context()
    error = await refused(make())
    assert (error.finding.code, other.thumbprint in error.finding.message) == ("wrong_certificate", True)


async def test_a_certificate_that_netsh_does_not_take(
    make: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost
) -> None:
    before = windows.snapshot()
    windows.fail["netsh http add sslcert"] = "\nSSL Certificate add failed, Error: 1312\nA logon session does not exist.\n"
    assert (await refused(make())).finding.code == "certificate_key_missing"
    assert (windows.snapshot(), record(server).exists()) == (before, False)


async def test_what_cannot_be_written_down_is_not_bound(
    make: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost
) -> None:
    server.config.state.write_text("a file where the folder should be")
    assert (await refused(make())).finding.code == "shadow_failed"
    assert windows.changes() == []


# --- however it ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
async def test_a_crash_at_any_call_leaves_nothing_to_the_next_agent(
    make: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows, server: ServerHost, late: bool
) -> None:
    before = windows.snapshot()
    windows.crash_late = late
    for call in itertools.count(1):
        windows.calls.clear()
        windows.crash_at = call
        dead = make()
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
    make: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate
) -> None:
    left = ["0.0.0.0:50123", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    windows.sslcert.append(left)
    await spare_binding.add(server.config.state, netsh_row(left))
    shadow_ = make()
    await shadow_.open()
    assert left not in windows.sslcert
    assert len(windows.sslcert) == 2


async def test_an_agent_that_starts_takes_it_away_before_it_speaks(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, speaking = windows.snapshot(), asyncio.Event()
    await spare_binding.add(
        server.config.state, netsh_row(["0.0.0.0:50123", certificate.thumbprint.lower(), netsh.APPID, "MY"])
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


@pytest.mark.parametrize(("hash_", "appid"), [("cd" * 20, netsh.APPID), (None, FOREIGN)])
async def test_what_is_no_longer_ours_stays(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, hash_: str | None, appid: str
) -> None:
    row = ["0.0.0.0:50123", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    other = [row[0], hash_ or row[1], appid, "MY"]
    windows.sslcert[-1] = other
    await Device(server).rehearsals.sweep()
    assert other in windows.sslcert
    assert not record(server).exists()


async def test_the_service_itself_has_moved_to_that_port(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, port: int
) -> None:
    row = [f"0.0.0.0:{port}", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    await Device(server).rehearsals.sweep()
    assert row in windows.sslcert
    assert not record(server).exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"endpoint": 1, "certhash": "", "appid": "", "store": ""}', b"\xff"])
async def test_a_record_that_cannot_be_read_touches_nothing(
    make: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, data: bytes
) -> None:
    server.config.state.mkdir()
    record(server).write_bytes(data)
    await Device(server).rehearsals.sweep()
    assert windows.changes() == []
    shadow_ = make()
    await shadow_.open()  # and it is in nobody's way


async def test_what_cannot_be_taken_away_stays_written_down(
    make: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate
) -> None:
    row = ["0.0.0.0:50123", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(row))
    windows.fail["netsh http delete sslcert"] = "\nSSL Certificate deletion failed, Error: 5\nAccess is denied.\n"
    await Device(server).rehearsals.sweep()
    assert record(server).exists()
    assert (await refused(make())).finding.code == "access_denied"
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
    make: Callable[[], HttpSysShadow], server: ServerHost, windows: FakeWindows
) -> None:
    windows.sslcert.append(["0.0.0.0:8000", "cd" * 20, netsh.APPID, "MY"])
    shadow_ = make()
    await shadow_.open()
    told = (await Inventory(server, Clock()).facts())["sslcert"]
    marked = {row["endpoint"]: row.get("rehearsal") for row in told}
    assert marked == {"0.0.0.0:443": None, "0.0.0.0:8000": None, f"0.0.0.0:{shadow_.facts['port']}": True}


async def test_a_cutover_goes_by_what_a_dead_agent_left(
    windows: FakeWindows, server: ServerHost, certificate: certificates.Certificate, make_desk: Callable[..., Any],
    make_instruction: Callable[..., Instruction],
) -> None:  # fmt: skip
    left = ["0.0.0.0:50123", certificate.thumbprint.lower(), netsh.APPID, "MY"]
    await spare_binding.add(server.config.state, netsh_row(left))
    before = windows.snapshot()
    desk = make_desk(server)
    for number, action in ((1, "arm"), (2, "switch"), (3, "undo")):
        done = await desk.do(make_instruction("server", seq=number, epoch=number, action=action))
        assert (done.outcome, done.finding) == ("done", None)
    assert windows.snapshot() == before
    await Device(server).rehearsals.sweep()
    assert left not in windows.sslcert


def netsh_row(row: list[str]) -> Any:
    return netsh.Binding(row[0], row[1].upper(), row[2], row[3])
