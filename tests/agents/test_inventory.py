"""What a device tells of itself: every fact, that nothing raises, and that one message holds it."""

import asyncio
import hashlib
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import certificates
import pytest
from fake_windows import FakeWindows

from agents.clock import Clock
from agents.files import Files
from agents.hosts import program
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.hosts.inventory import inventory, sockets
from agents.hosts.inventory.inventory import Inventory, fitted
from agents.version import VERSION

CODE_HASH = hashlib.sha256(b"club-2041").hexdigest()[:12]


async def facts(host: Host) -> dict[str, Any]:
    return await Inventory(host, Clock()).facts()


def rewrite(host: Host, old: bytes, new: bytes) -> None:
    path = host.config.settings
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


@pytest.fixture(autouse=True)
def _state(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()


async def test_a_till_tells_all_of_it(terminal: TerminalHost, port: int, certificate: certificates.Certificate) -> None:
    rewrite(terminal, b"</Customers>", b"<AccessCode> club-2041 </AccessCode></Customers>")
    told = await facts(terminal)
    root = hashlib.sha1(ssl.PEM_cert_to_DER_cert(certificate.root.read_text())).hexdigest().upper()
    assert told.pop("free_mb") > 0
    assert abs(told.pop("clock_offset_ms")) < 1000
    assert told.pop("os")
    assert told == {
        "error": None, "port": port, "scheme": "http", "host": "localhost", "timeout_s": 6, "writable": None,
        "roots": {"count": 1, "thumbprints": [root]}, "tls": ["TLSv1.2", "TLSv1.3"], "access_code": CODE_HASH, "name": "TILL-1",
        "agent_version": VERSION, "restart": {"how": "never", "limit_s": 60},
        "touch": {"running": None, "since_ms": None, "settings_changed_ms": terminal.settings_changed_ms()},
    }  # fmt: skip


async def test_the_code_itself_leaves_the_device_nowhere(terminal: TerminalHost) -> None:
    rewrite(terminal, b"</Customers>", b"<AccessCode>club-2041</AccessCode></Customers>")
    assert "club-2041" not in json.dumps(await facts(terminal))
    rewrite(terminal, b"<AccessCode>club-2041</AccessCode>", b"")
    assert (await facts(terminal))["access_code"] is None


async def test_a_server_tells_all_of_it(
    server: ServerHost, windows: FakeWindows, port: int, certificate: certificates.Certificate
) -> None:
    windows.iplisten = ["10.0.0.5", "[::1]"]
    windows.sslcert.append([f"10.0.0.5:{port}", "no hash at all", "{00000000-0000-0000-0000-000000000000}", "MY"])
    told = await facts(server)
    assert (told["error"], told["port"], told["scheme"]) == (None, port, "http")
    assert [(row["endpoint"], row["certhash"]) for row in told["sslcert"]] == [
        ("0.0.0.0:443", "AB" * 20),
        (f"10.0.0.5:{port}", None),
    ]
    assert [row["url"] for row in told["urlacl"]] == ["http://+:80/Temporary_Listen_Addresses/", f"http://+:{port}/"]
    assert told["iplisten"] == ["10.0.0.5", "[::1]"]
    assert told["service"] == {"name": "NetPOSNet", "state": "running", "start_type": "auto", "dependents": []}
    assert [row["name"] for row in told["services"]] == ["NetPOSNet", "Monitor"]
    assert told["recovery"] == {"restarts": False}
    assert told["owner"] is None  # this very process listens, and is the service's
    ours = next(row for row in told["certificates"] if row["thumbprint"] == certificate.thumbprint)
    assert (ours["has_key"], ours["readable"]) == (True, True)


async def test_keys_that_are_there_and_cannot_be_used(
    server: ServerHost, windows: FakeWindows, certificate: certificates.Certificate, tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "bad")
    other.key.write_bytes(certificate.key.read_bytes())
    object.__setattr__(server.config, "store", other.pem.parent)
    (row,) = (await facts(server))["certificates"]
    assert (row["has_key"], row["readable"]) == (True, False)
    other.key.unlink()
    (row,) = (await facts(server))["certificates"]
    assert (row["has_key"], row["readable"]) == (False, None)


@pytest.mark.skipif(sys.platform == "win32", reason="reads /proc")
async def test_who_uses_the_port_and_who_has_taken_it(server: ServerHost, windows: FakeWindows, port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.7", 0))
    inventory = Inventory(server, Clock())
    told = await inventory.facts()
    assert {"address": "127.0.0.7", "connections": 1} in told["peers"]
    writer.close()
    await writer.wait_closed()
    assert {"address": "127.0.0.7", "connections": 1} in (await inventory.facts())["peers"]  # once seen, not forgotten
    windows.pid = 0
    owner = (await facts(server))["owner"]
    assert owner["pid"] == os.getpid()
    assert "python" in owner["program"] or "pytest" in owner["program"]


async def test_a_till_that_cannot_be_rewritten_says_why(terminal: TerminalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Files, path: Path) -> None:
        raise PermissionError(13, "is write-protected", str(path))

    monkeypatch.setattr(Files, "try_folder", refuse)
    told = await facts(terminal)
    assert "is write-protected" in told["writable"]
    assert told["error"] is None


async def test_trying_to_write_is_not_repeated_for_a_while(terminal: TerminalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []
    monkeypatch.setattr(Files, "try_folder", lambda self, path: tried.append(path))
    told = Inventory(terminal, Clock())
    await told.facts()
    await told.facts()
    assert len(tried) == 1


async def test_what_is_kept_is_read_anew_when_somebody_is_about_to_judge_by_it(
    server: ServerHost, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Inventory(server, Clock())
    first = await told.facts()
    windows.iplisten.append("127.0.0.1")
    monkeypatch.setattr("agents.files.os.access", lambda path, mode: False)
    assert {name: (await told.facts())[name] for name in ("iplisten", "writable")} == {"iplisten": [], "writable": None}
    server.kept.forget()
    again = await told.facts()
    assert again["iplisten"] == ["127.0.0.1"]
    assert "is write-protected" in again["writable"]
    assert first["writable"] is None


async def test_whatever_is_broken_the_rest_is_told(server: ServerHost, windows: FakeWindows) -> None:
    for call in ("netsh http show sslcert", "netsh http show iplisten", "sc qfailure", "sc enumdepend"):
        windows.fail[call] = "rubbish that nobody understands"
    told = await facts(server)
    assert told["error"].startswith("netsh_unreadable")
    assert [told[name] for name in ("sslcert", "iplisten", "recovery", "service")] == [None] * 4
    assert (told["scheme"], told["agent_version"], len(told["services"])) == ("http", VERSION, 2)


async def test_even_a_mistake_of_ours_is_no_end(
    terminal: TerminalHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inventory.tls_ability, "versions", lambda *_: 1 / 0)
    told = await facts(terminal)
    assert (told["tls"], told["host"]) == (None, "localhost")
    assert "ZeroDivisionError" in caplog.text


async def test_settings_that_are_gone(terminal: TerminalHost) -> None:
    terminal.config.settings.unlink()
    told = await facts(terminal)
    assert told["error"].startswith("settings_unreadable")
    assert [told[name] for name in ("host", "port", "scheme", "timeout_s", "access_code")] == [None] * 5


def test_one_message_holds_it() -> None:
    rows = [{"url": "http://+:1/" + "x" * 5000, "sddl": "ü" * 3000} for _ in range(400)]
    told = fitted({"error": None, "urlacl": rows, "sslcert": [{"endpoint": "a"}], "os": "o" * 10_000})
    assert len(json.dumps(told)) <= inventory.MAX_BYTES
    assert (told["cut"], told["sslcert"], len(told["os"])) == (["urlacl"], [{"endpoint": "a"}], 2000)
    assert 0 < len(told["urlacl"]) < 400
    assert "cut" not in fitted({"error": None, "urlacl": rows[:2]})


# --- netstat, tasklist and /proc ------------------------------------------------------------------------

NETSTAT = """
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    0.0.0.0:10101          0.0.0.0:0              ABHÖREN         4
  TCP    10.0.0.5:10101         10.0.0.31:52011        HERGESTELLT     4
  TCP    10.0.0.5:10101         10.0.0.31:52012        WARTEND         0
  TCP    10.0.0.5:52000         10.0.0.9:10101         HERGESTELLT     812
  TCP    [::]:10101             [::]:0                 ABHÖREN         4
  TCP    [::1]:10101            [::ffff:10.0.0.40]:5   HERGESTELLT     4
  TCP    [fe80::1%7]:10101      [fe80::2%7]:49152      HERGESTELLT     4
  UDP    0.0.0.0:10101          *:*                                    99
  TCP    rubbish
"""


def test_netstat_is_read_without_its_words() -> None:
    found = sockets.use(sockets.parse_netstat(NETSTAT), 10101)
    assert found.peers == {"10.0.0.31": 2, "10.0.0.40": 1, "fe80::2": 1}
    assert found.listeners == (4,)


def test_proc_is_read() -> None:
    rows = [
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "   0: 00000000:2775 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0",
        "   1: 0100007F:2775 0200000A:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0",
        "   2: 0000000000000000FFFF00000100007F:2775 0000000000000000FFFF00000300000A:C001 06 0:0 0:0 0 0 0 0",
        "   3: rubbish",
    ]
    found = sockets.use(sockets.parse_proc("\n".join(rows)), 0x2775)
    if sys.byteorder == "little":
        assert found.peers == {"10.0.0.2": 1, "10.0.0.3": 1}
    assert found.listeners == (4711,)


async def test_on_windows_netstat_and_tasklist_are_asked(
    server: ServerHost, windows: FakeWindows, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = {
        "netstat": f"  TCP  0.0.0.0:{port}  0.0.0.0:0  LISTENING  812\n  TCP  1.2.3.4:{port}  9.9.9.9:7  ESTABLISHED  812\n",
        "tasklist": '"nginx, the other one.exe","812","Services","0","9.000 K"\n',
    }
    calls: list[tuple[str, ...]] = []

    async def run(name: str, *arguments: str) -> program.Output:
        if name in printed:
            calls.append((name, *arguments))
            return program.Output(0, printed[name])
        return await windows.run(name, *arguments)

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(sockets.sys, "platform", "win32")
    monkeypatch.setattr(inventory.tls_ability, "versions", lambda *_: [])
    told = await facts(server)
    assert told["owner"] == {"pid": 812, "program": "nginx, the other one.exe"}
    assert told["peers"] == [{"address": "9.9.9.9", "connections": 1}]
    assert ("tasklist", "/FI", "PID eq 812", "/FO", "CSV", "/NH") in calls
