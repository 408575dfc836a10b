"""Reference terminals as processes: what they do follows their settings, root store and faults."""

from itertools import pairwise

import pytest

from tests.lab.conftest import Lab, await_that

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def running(plain_lab: Lab) -> Lab:
    """Server and terminals on HTTP."""
    return with_terminals(plain_lab)


@pytest.fixture(scope="module")
def secure(secure_lab: Lab) -> Lab:
    """Server and terminals on HTTPS."""
    return with_terminals(secure_lab)


def with_terminals(lab: Lab) -> Lab:
    lab.start("terminals", "--names", ",".join(lab.layout.names))
    for name in lab.layout.names:
        lab.await_lookup(name, "has looked a member up", lambda row: row["ok"])
    return lab


def test_lookups_go_on_and_keep_their_connection(running: Lab) -> None:
    name = running.layout.names[0]
    await_that(lambda: len(running.lookups(name)) >= 5, "five lookups")
    found = running.lookups(name)
    assert set(found[0]) == {"t", "scheme", "ok", "ms", "error"}
    assert all(row["ok"] and row["scheme"] == "http" and row["error"] is None for row in found)
    assert all(one["t"] < two["t"] for one, two in pairwise(found))
    asked = [row for row in running.access() if row["event"] == "request" and row["terminal"] == name]
    assert all(row["path"].startswith("/netpos/members/") and row["status"] == 200 for row in asked)


def test_they_follow_their_settings_through_a_cutover_and_back(lab: Lab) -> None:
    lab.netpos()
    running = with_terminals(lab)
    first, *others = running.layout.names
    running.to_https()
    for name in running.layout.names:
        assert running.await_lookup(name, "fails", lambda row: not row["ok"])["scheme"] == "http"
    for name in running.layout.names:
        running.secured(name, True)
    for name in running.layout.names:
        running.await_lookup(name, "is on https", lambda row: row["ok"] and row["scheme"] == "https")
    running.secured(first, False)
    running.await_lookup(first, "is off again", lambda row: not row["ok"] and row["scheme"] == "http")
    assert running.await_lookup(others[0], "goes on", lambda row: True)["ok"]


def test_offline_and_back(running: Lab) -> None:
    name, other = running.layout.names[:2]
    running.faults({"terminals": {name: {"offline": True}}})
    found = running.await_lookup(name, "is offline", lambda row: not row["ok"])
    assert "unreachable" in found["error"]
    assert running.await_lookup(other, "is not", lambda row: True)["ok"]
    running.faults(None)
    running.await_lookup(name, "is back", lambda row: row["ok"])


def test_latency_is_measured_and_does_not_hold_the_next_lookup_up(running: Lab) -> None:
    name = running.layout.names[0]
    running.faults({"terminals": {name: {"latency_ms": 800}}})
    slow = running.await_lookup(name, "is slow", lambda row: row["ok"] and row["ms"] >= 800)
    following = running.await_lookup(name, "is slow again", lambda row: row["t"] > slow["t"])
    assert following["t"] - slow["t"] < following["ms"] / 1000
    running.faults(None)
    running.await_lookup(name, "is fast again", lambda row: row["ms"] < 800)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"untrusted_root": True}, "certificate verify failed"),
        ({"clock_skew_s": -40 * 86400}, "not yet valid"),
        ({"clock_skew_s": 900 * 86400}, "expired"),
    ],
)
def test_what_a_certificate_is_judged_by(secure: Lab, fault: dict[str, object], text: str) -> None:
    name = secure.layout.names[0]
    secure.faults({"terminals": {name: fault}})
    found = secure.await_lookup(name, "does not trust", lambda row: not row["ok"])
    assert text in found["error"]
    secure.faults({})
    secure.await_lookup(name, "trusts again", lambda row: row["ok"])


def test_unreadable_settings_are_an_error_not_an_end(running: Lab) -> None:
    name = running.layout.names[0]
    path = running.layout.terminal_dir(name) / "TouchSettings.xml"
    whole = path.read_bytes()
    path.write_bytes(b"<TouchSettings>")
    assert running.await_lookup(name, "cannot read", lambda row: not row["ok"])["scheme"] is None
    path.write_bytes(whole)
    running.await_lookup(name, "reads again", lambda row: row["ok"])


def test_sigterm_ends_it_cleanly(lab: Lab) -> None:
    child = lab.start("terminals", "--names", lab.layout.names[0])
    lab.await_lookup(lab.layout.names[0], "finds no server", lambda row: not row["ok"])
    child.terminate()
    assert child.wait(10) == 0
