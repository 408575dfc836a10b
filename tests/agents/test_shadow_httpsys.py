"""The shadow listener through http.sys: what tills meet, which ports it takes, and why it cannot be opened. The emulated
netsh stands in for Windows' own, and a listener with real TLS for the driver. How it ends: test_shadow_httpsys_ends.py."""

import json
from collections.abc import Callable
from pathlib import Path

import certificates
import pytest
from fake_httpsys import FakeHttpSys
from fake_windows import MEMBER, FakeWindows
from questions import looked_up
from rehearsing import disk, order
from test_rehearsals import listens

from agents import catalogue
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts import netsh, spare_binding
from agents.hosts.host import ServerHost, TerminalHost
from agents.protocol import LOOKUP_KINDS
from agents.rehearsal import shadow
from agents.rehearsal.probe import TerminalProbe
from agents.rehearsal.shadow_httpsys import ATTEMPTS, HttpSysShadow

FOREIGN = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"
SAMPLES = 3


def record(server: ServerHost) -> Path:
    return server.config.state / spare_binding.FILE


async def refused(shadow_: HttpSysShadow) -> StepError:
    with pytest.raises(StepError) as caught:
        await shadow_.open()
    return caught.value


# --- what it is for ---------------------------------------------------------------------------------------


async def test_a_till_meets_what_is_bound_and_nothing_is_left_of_it(
    httpsys_shadow: Callable[[], HttpSysShadow], server: ServerHost, terminal: TerminalHost, windows: FakeWindows,
    certificate: certificates.Certificate, port: int, tmp_path: Path,
) -> None:  # fmt: skip
    server.config.state.mkdir()
    before, files = windows.snapshot(), disk(tmp_path)
    shadow_ = httpsys_shadow()
    await shadow_.open()
    facts = shadow_.facts
    assert sorted(facts) == ["chain", "plain_port", "port"]  # what a handshake costs the server cannot be seen
    sent = [certificate.pem.read_text().split(), certificate.root.read_text().split()]
    assert [text.split() for text in facts["chain"]] == sent
    spare = [f"0.0.0.0:{facts['port']}", certificate.thumbprint.lower(), catalogue.APPID, "MY"]
    assert windows.snapshot()[1] == sorted([*before[1], spare])
    assert [json.loads(record(server).read_bytes())[name] for name in ("endpoint", "appid")] == [spare[0], spare[2]]
    ask = order(
        "ask", port, thumbprint=certificate.thumbprint, samples=SAMPLES,
        shadow_port=facts["port"], plain_port=facts["plain_port"],
    )  # fmt: skip
    probe = TerminalProbe(terminal, Clock(), ask, {})
    await probe.ask()
    assert probe.facts["thumbprint"] == certificate.thumbprint
    assert {kind: len(values) for kind, values in probe.facts["samples"].items()} == dict.fromkeys(LOOKUP_KINDS, SAMPLES)
    await shadow_.close()
    assert shadow_.counts == {"handshakes": 1 + 2 * SAMPLES, "lookups": 2 + 5 * SAMPLES}
    assert (windows.snapshot(), disk(tmp_path)) == (before, files)
    assert not await listens(facts["port"])
    assert (await looked_up(server, MEMBER, 5)).judgement.status == 200


async def test_the_live_ports_rows_are_in_no_command(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, port: int
) -> None:
    shadow_ = httpsys_shadow()
    await shadow_.open()
    await shadow_.close()
    assert [call.split("ipport=")[0] for call in windows.changes()] == ["netsh http add sslcert ", "netsh http delete sslcert "]
    assert not [call for call in windows.changes() if f":{port}" in call]


# --- ports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [183, 32])
async def test_a_port_that_somebody_else_has_is_left_to_him(
    httpsys_shadow: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows, number: int
) -> None:
    httpsys.refuse = [number, number]
    shadow_ = httpsys_shadow()
    await shadow_.open()
    first, second, third = httpsys.tried
    assert len({*first, *second, *third}) == 6
    assert [row[0] for row in windows.sslcert] == ["0.0.0.0:443", f"0.0.0.0:{third[0]}"]


async def test_ports_end_some_time(
    httpsys_shadow: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows
) -> None:
    before = windows.snapshot()
    httpsys.refuse = [32] * 100
    assert (await refused(httpsys_shadow())).finding.code == "shadow_failed"
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
    httpsys_shadow: Callable[[], HttpSysShadow], offer: Callable[[int], None], windows: FakeWindows, port: int, table: str
) -> None:
    offered = port if table == "live" else 50123
    if table == "sslcert":
        windows.sslcert.append(["10.0.0.5:50123", "cd" * 20, FOREIGN, "MY"])
    elif table == "urlacl":
        windows.urlacl.append(["http://+:50123/other/", "D:(A;;GX;;;WD)"])
    else:
        windows.urlacl.clear()  # the service's account needs none
    offer(offered)
    shadow_ = httpsys_shadow()
    await shadow_.open()
    assert offered not in (shadow_.facts["port"], shadow_.facts["plain_port"])


async def test_who_binds_the_port_in_between_keeps_it(
    httpsys_shadow: Callable[[], HttpSysShadow], offer: Callable[[int], None], windows: FakeWindows, server: ServerHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    foreign = ["0.0.0.0:50123", "cd" * 20, FOREIGN, "MY"]
    windows.sslcert.append(foreign)

    async def not_yet() -> tuple[()]:
        return ()

    monkeypatch.setattr(netsh, "all_bindings", not_yet)
    offer(50123)
    shadow_ = httpsys_shadow()
    await shadow_.open()
    assert shadow_.facts["port"] != 50123
    await shadow_.close()
    assert foreign in windows.sslcert
    assert (len(windows.sslcert), record(server).exists()) == (2, False)


# --- why it cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(5, "access_denied"), (87, "shadow_failed")])
async def test_an_account_that_may_not_listen_and_other_errors(
    httpsys_shadow: Callable[[], HttpSysShadow],
    httpsys: FakeHttpSys,
    windows: FakeWindows,
    server: ServerHost,
    number: int,
    code: str,
) -> None:
    before = windows.snapshot()
    httpsys.refuse = [number]
    error = await refused(httpsys_shadow())
    assert (error.finding.code, f"error {number}" in error.finding.message) == (code, True)
    assert (windows.snapshot(), record(server).exists()) == (before, False)


async def test_a_key_that_windows_cannot_use_is_seen_by_the_handshake(
    httpsys_shadow: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, windows: FakeWindows
) -> None:
    before = windows.snapshot()
    httpsys.context = lambda port: None
    error = await refused(httpsys_shadow())
    assert (error.finding.code, "36870" in error.finding.remedy) == ("key_unreadable", True)
    assert windows.snapshot() == before


async def test_another_certificate_on_the_wire_than_was_bound(
    httpsys_shadow: Callable[[], HttpSysShadow], httpsys: FakeHttpSys, tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "other")
    httpsys.context = lambda port: other.server_context()
    error = await refused(httpsys_shadow())
    assert (error.finding.code, other.thumbprint in error.finding.message) == ("wrong_certificate", True)


async def test_a_certificate_that_netsh_does_not_take(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost
) -> None:
    before = windows.snapshot()
    windows.fail["netsh http add sslcert"] = "\nSSL Certificate add failed, Error: 1312\nA logon session does not exist.\n"
    assert (await refused(httpsys_shadow())).finding.code == "certificate_key_missing"
    assert (windows.snapshot(), record(server).exists()) == (before, False)


async def test_what_cannot_be_written_down_is_not_bound(
    httpsys_shadow: Callable[[], HttpSysShadow], windows: FakeWindows, server: ServerHost
) -> None:
    server.config.state.write_text("a file where the folder should be")
    assert (await refused(httpsys_shadow())).finding.code == "shadow_failed"
    assert windows.changes() == []
