"""What the server's access log says of tills: the newest answer of each, whatever else the file holds."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fake_windows import FakeWindows
from questions import REST

from agents import config
from agents.clock import Clock
from agents.hosts import asking
from agents.hosts.host import ServerHost, TerminalHost
from agents.hosts.inventory import access_log
from agents.hosts.inventory.inventory import MAX_BYTES, Inventory, fitted
from agents.protocol import Instruction


def line(terminal: Any, t: Any = 1_700_000_000.25, **changes: Any) -> str:
    row = {"t": t, "event": "request", "scheme": "https", "terminal": terminal, "path": "/netpos/members/1", "status": 200}
    return json.dumps(row | {"tls": "TLSv1.3"} | changes) + "\n"


def seen(tmp_path: Path, *lines: str | bytes, offset_ms: int = 0) -> access_log.Seen:
    path = tmp_path / "access.jsonl"
    path.write_bytes(b"".join(one.encode() if isinstance(one, str) else one for one in lines))
    return access_log.seen(path, offset_ms)


def test_the_newest_answer_of_each_counts_in_the_dashboards_time(tmp_path: Path) -> None:
    told = seen(tmp_path, line("A", 100), line("B", 101.5, scheme="http"), line("A", 102, scheme="http"), offset_ms=7)
    assert told == {"A": {"scheme": "http", "at_ms": 102_007}, "B": {"scheme": "http", "at_ms": 101_507}}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 404}, {"status": 302}, {"status": None}, {"status": "200"}, {"status": True},
        {"event": "refused"}, {"scheme": "ftp"}, {"scheme": None}, {"terminal": None}, {"terminal": ""},
        {"terminal": "x" * 101}, {"terminal": "%ff"}, {"terminal": "\ud800"}, {"t": "now"}, {"t": -1},
        {"t": float("nan")}, {"t": float("inf")}, {"t": 10**30}, {"t": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_to_a_till_is_passed_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert list(seen(tmp_path, line("A"), line(**{"terminal": "B"} | changes))) == ["A"]


def over_tls(tmp_path: Path, *lines: str) -> access_log.Seen:
    path = tmp_path / "access.jsonl"
    path.write_text("".join(lines))
    return access_log.seen_over_tls(path, 7)


def test_addresses_that_were_answered_over_tls_are_told_with_the_newest_time(tmp_path: Path) -> None:
    told = over_tls(
        tmp_path,
        line("A", 100, address="10.0.0.9"),
        line(None, 101, address="::ffff:10.0.0.9", status=404),
        line("A", 102, address="10.0.0.9", scheme="http"),
        line("B", 103, address="fe80::2"),
    )
    assert told == {"fe80::2": {"scheme": "https", "at_ms": 103_007}, "10.0.0.9": {"scheme": "https", "at_ms": 101_007}}


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "netpos"}, {"address": ""}, {"address": None}, {"address": 5}, {"address": 167772169},
        {"address": "10.0.0.9/8"},
        {"status": None}, {"status": 99}, {"status": "200"}, {"event": "refused"}, {"scheme": "http"}, {"t": "now"}, {"t": -1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_over_tls_to_an_address_is_passed_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert over_tls(tmp_path, line("A", **{"address": "10.0.0.9"} | changes)) == {}


def test_a_log_without_addresses_tells_none(tmp_path: Path) -> None:
    assert over_tls(tmp_path, line("A"), "[]\n", "null\n", '{"t": 1\n') == {}


@pytest.mark.parametrize(
    "foreign",
    [b"#Fields: date time\n", b"\xff\xfe\x00\n", b"[]\n", b"null\n", b"\n", b'{"t": 1\n', b"[" * 4000 + b"\n",
     b'{"t":' + b"9" * 4000 + b"}\n", b'{"x": "' + b"y" * 5000 + b'"}\n'],
)  # fmt: skip
def test_foreign_lines_are_passed_over(tmp_path: Path, foreign: bytes) -> None:
    assert list(seen(tmp_path, line("A"), foreign, line("B"))) == ["B", "A"]


def test_a_line_that_is_being_written_is_not_read_in_half(tmp_path: Path) -> None:
    assert list(seen(tmp_path, line("A"), line("B").rstrip("\n"))) == ["A"]


def test_a_long_log_is_read_from_its_tail_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(f"T{number}") for number in range(40)]
    monkeypatch.setattr(access_log, "TAIL_BYTES", len("".join(lines[-3:])) + 5)  # the fourth line is torn
    assert list(seen(tmp_path, *lines)) == ["T39", "T38", "T37"]


def test_names_are_told_as_the_tills_are_called(tmp_path: Path, terminal: TerminalHost) -> None:
    object.__setattr__(terminal.config, "name", "Küche 1, 50 %")
    order = Instruction("a1", 1, 1, 7, "verify", "https", (), 0, None, "1001", 0, 0, probe=REST)
    sent = dict(asking.question(terminal, order, "member").request.headers)
    assert list(seen(tmp_path, line(sent["X-Terminal"]))) == ["Küche 1, 50 %"]


def test_more_names_than_a_site_has_are_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MAX_NAMES", 3)
    assert list(seen(tmp_path, *(line(f"T{number}") for number in range(9)))) == ["T8", "T7", "T6"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows' pipes have no name in a folder")
def test_a_pipe_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a file"):
        access_log.seen(tmp_path / "pipe", 0)


async def test_a_server_tells_whom_it_answered(server: ServerHost, windows: FakeWindows, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    assert "seen" not in await Inventory(server, Clock()).facts()
    path = tmp_path / "access.jsonl"
    object.__setattr__(server.config, "access_log", path)
    clock = Clock()
    clock.assume(5000)
    told = Inventory(server, clock)
    gone = await told.facts()
    assert (gone["seen"], gone["error"]) == (None, None)
    path.write_text(line("Bar-01", 100.5))
    assert (await told.facts())["seen"] == {"Bar-01": {"scheme": "https", "at_ms": pytest.approx(105_500, abs=50)}}


def test_a_thousand_tills_fit_into_one_message_and_more_are_cut() -> None:
    def facts(tills: int) -> dict[str, Any]:
        row = {"thumbprint": "AB" * 20, "subject": "CN=netpos", "issuer": "CN=Club CA", "names": ["netpos.club.example"] * 3}
        rows = {f"Front bar {n:04}": {"scheme": "https", "at_ms": 1_700_000_000_000 - n} for n in range(tills)}
        return {"error": None, "certificates": [row] * 100, "seen": rows}

    assert fitted(facts(1000)) == facts(1000)
    many = fitted(facts(2000))
    assert len(json.dumps(many)) <= MAX_BYTES
    assert many["cut"] == ["seen"]
    assert len(many["certificates"]) == 100
    assert list(many["seen"]) == list(facts(len(many["seen"]))["seen"])  # the newest
    assert len(many["seen"]) >= 1000


def test_the_setting_is_a_servers_and_begins_at_the_files_folder(tmp_path: Path) -> None:
    def load(role: str, value: str) -> config.Config:
        words = [f"role = '{role}'", f"access_log = {value}", "store = 's'"]
        words += [f"{key} = 'x'" for key in ("name", "gateway", "gateway_ca", "state", "settings")]
        (tmp_path / "agent.toml").write_text("\n".join(words))
        return config.load(tmp_path / "agent.toml")

    assert load("server", "'access.jsonl'").access_log == tmp_path / "access.jsonl"
    with pytest.raises(config.ConfigError, match="access_log: is missing or not a text"):
        load("server", "7")
    with pytest.raises(config.ConfigError, match="access_log: must be left out"):
        load("terminal", "'access.jsonl'")
