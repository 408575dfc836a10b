"""Facts of devices are read whatever JSON they are: typed, bounded, and without an error."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.device_facts import parse as facts
from fleet.device_facts.facts import CheckFacts, DeviceFacts, ListenerFacts, SeenRequest, ServerFacts, TerminalFacts
from tests.factories import certificate
from tests.preflight.site import check_facts, healthy, server_facts, terminal_facts

PARSERS = [facts.parse, facts.parse_terminal, facts.parse_server, facts.parse_check, facts.parse_listener]
NAMES = [
    "scheme", "host", "port", "name", "error", "writable", "free_mb", "tls", "timeout_s", "certificates", "sslcert", "urlacl",
    "services", "service", "recovery", "owner", "peers", "seen", "iplisten", "samples", "bytes", "chain", "cpu_ms", "roots",
    "thumbprint", "endpoint", "certhash", "url", "not_after", "names", "state", "address", "connections", "code", "message",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["http", "AB" * 20])
KEYS = st.sampled_from(NAMES) | st.text(max_size=3)
JSON = st.recursive(
    LEAVES, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(KEYS, deeper, max_size=6), max_leaves=30
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_gives_values_of_the_declared_types(raw: Any) -> None:
    for parse in PARSERS:
        parse(raw)
    found = facts.parse_server(raw)
    for rows in (found.listed, found.certificates, found.bindings, found.reservations, found.services, found.peers):
        assert rows is None or isinstance(rows, tuple)
    if (seen := facts.parse_seen(raw)) is not None:
        assert all(isinstance(seen.of(name), SeenRequest | None) for name in NAMES)
    finding = facts.parse_finding(raw)
    assert (finding is None) == (raw is None)


@pytest.mark.parametrize("parse", PARSERS)
def test_nothing_told_is_all_none(parse: Any) -> None:
    for raw in (None, {}, [], "x", 5):
        assert parse(raw) == type(parse(raw))()


def test_what_agents_send_is_read() -> None:
    server = facts.parse_server(server_facts())
    assert (server.told, server.scheme, server.port) == (True, "http", server_facts()["port"])
    for name in ("certificates", "bindings", "reservations", "services", "service", "peers", "restarts", "iplisten"):
        assert getattr(server, name) is not None, name
    terminal = facts.parse_terminal(terminal_facts(1))
    assert terminal == dataclasses.replace(terminal, **dataclasses.asdict(facts.parse(terminal_facts(1))))
    assert terminal.timeout_s == terminal_facts(1)["timeout_s"]
    told = check_facts(1, terminal_facts(1), samples={"https_new": [1.5, "x", 2]}, bytes={"https_new": 900, "http_new": 0})
    check = facts.parse_check(told)
    assert (check.tls_ms, check.samples, check.sizes) == (told["tls_ms"], {"https_new": (1.5, 2.0)}, {"https_new": 900.0})
    listener = facts.parse_listener(healthy().rehearsal)
    assert (listener.ports, len(listener.chain), listener.cpu_full_ms) == ((50001, 50002), 2, 2.4)
    assert facts.parse_listener({"port": 50001}).ports is None


def test_a_certificate_without_a_valid_thumbprint_is_listed_and_never_used() -> None:
    rows = [certificate(), certificate(thumbprint="AA"), certificate(thumbprint=None), "x"]
    found = facts.parse_server({"certificates": rows})
    assert found.listed is not None
    assert [row.thumbprint for row in found.listed] == ["AB" * 20, "AA", ""]
    assert found.certificates == found.listed[:1]
    assert found.listed[0].not_before == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_everything_is_bounded() -> None:
    many = [certificate(subject="x" * 9000, names=["n" * 999] * 999)] * 900
    found = facts.parse_server({"certificates": many, "peers": [{"address": "a" * 999}] * 900, "error": "e" * 9000})
    assert found.listed is not None
    assert found.peers is not None
    assert (len(found.listed), len(found.listed[0].names), len(found.listed[0].names[0])) == (500, 500, 253)
    assert (len(found.listed[0].subject or ""), len(found.listed[0].label or "")) == (2000, 200)
    assert (len(found.peers), len(found.peers[0].address), len(found.error or "")) == (200, 64, 300)
    check = facts.parse_check({"samples": {str(kind): [1.0] * 900 for kind in range(900)}, "roots": ["x" * 20_000, "y"] * 90})
    assert (len(check.samples), len(check.samples["0"]), check.roots) == (20, 100, ("y",) * 10)


def test_a_terminals_row_in_the_access_log_is_read_when_it_is_asked_for() -> None:
    table = facts.parse_seen({"seen": {"T01": {"scheme": "https", "at_ms": 5}, "T02": 7, "T03": {"at_ms": 2**60}}})
    assert table is not None
    assert (table.of("T01"), table.of("T02"), table.of("T09")) == (SeenRequest("https", 5), None, None)
    assert table.of("T03") == SeenRequest(None, None)


def test_the_kinds_of_facts() -> None:
    assert issubclass(TerminalFacts, DeviceFacts)
    assert issubclass(ServerFacts, DeviceFacts)
    for kind in (DeviceFacts, TerminalFacts, ServerFacts, CheckFacts, ListenerFacts):
        with pytest.raises(dataclasses.FrozenInstanceError):
            kind().port = 5  # type: ignore[attr-defined, misc]
