"""A whole window on Windows: Python for Windows under Wine runs the agents of the server and of two tills, from
enrolment to rollback, and every one of them is killed in the middle.

What Wine lacks: netsh is a stub and sc knows few verbs, so the server's agent finds copies of python.exe under these
names in a %SystemRoot% of its own, which hand over to the lab's (programs/sitecustomize.py). Its netstat shows no
listeners and no process ids, so nobody can own the port here."""

import json
from collections.abc import Iterator

import pytest

from tests.windows.site import WindowsSite
from tests.windows.wine import Windows

pytestmark = pytest.mark.lab

SERVER = "windows_server_agent"
TILLS = "windows_terminal_agents"


@pytest.fixture(scope="module")
def site(windows: Windows) -> Iterator[WindowsSite]:
    with WindowsSite(windows) as running:
        yield running


def test_every_device_is_enrolled_and_tells_what_it_is(site: WindowsSite) -> None:
    site.wait(lambda: site.facts_of("NetPOS").get("peers"), 60, "the server's inventory")
    server, till = site.facts_of("NetPOS"), site.facts_of(site.by_windows)
    for facts in (server, till):
        assert facts["error"] is None
        assert facts["writable"] is None
        assert facts["os"].startswith("Windows-10")
        assert "TLSv1.2" in facts["tls"]
        assert facts["free_mb"] > 0
        assert abs(facts["clock_offset_ms"]) < 5000
    assert till["roots"]["count"] > site.facts_of(site.by_file)["roots"]["count"]
    assert [row["state"] for row in server["services"]] == ["running", "running"]
    assert any(row["url"] == f"http://+:{server['port']}/" for row in server["urlacl"])
    assert any(row["thumbprint"] and row["readable"] for row in server["certificates"])
    assert server["recovery"] == {"restarts": False}
    assert [row["address"] for row in server["peers"]] == ["127.0.0.1"]


def test_a_root_that_windows_does_not_trust_is_found_and_installing_it_is_the_remedy(site: WindowsSite) -> None:
    before = site.snapshot()
    windows, linux = (None, "TLSv1.2"), (None, "TLSv1.3")  # this Windows' programs cannot speak the newer version yet
    assert site.rehearse() == {site.by_file: windows, site.by_windows: ("untrusted_root", None), site.other: linux}
    with site.root_installed():
        assert site.rehearse() == {site.by_file: windows, site.by_windows: windows, site.other: linux}
    assert site.snapshot() == before


def test_a_cutover_and_its_rollback_survive_the_death_of_every_agent(site: WindowsSite) -> None:
    before = site.snapshot()
    with site.root_installed():
        site.arm("server.bind_certificate.applied", 1, SERVER)
        cutover = site.begin()
        site.wait(lambda: not site.armed(), 120, "the server's agent to die")
        site.arm("terminal.secured.applied", 2, TILLS)
        end = site.rest(cutover)
        assert end["state"] == "completed", end["reason"]
        assert not site.armed()
        assert [run["state"] for run in end["device_runs"]] == ["verified"] * 4
        assert site.server_ssl()
        assert set(site.secured().values()) == {True}
        site.wait(lambda: site.all_ok("https"), 30, "the terminals' own lookups over https")

        site.arm("server.use_ssl.undone", 1, SERVER)
        site.client.post(f"/cutovers/{cutover}/roll_back")
        site.wait(lambda: not site.armed(), 120, "the server's agent to die again")
        site.arm("terminal.secured.undone", 2, TILLS)
        end = site.rest(cutover)
    assert end["state"] == "rolled_back", end["reason"]
    assert not site.armed()
    assert site.snapshot() == before
    site.wait(lambda: site.all_ok("http"), 30, "the terminals' own lookups over http")


def test_no_agent_has_left_an_error_in_its_log(site: WindowsSite) -> None:
    logs = {path.stem: path.read_text() for path in (site.folder / "logs").glob("windows-*.log")}
    assert logs.keys() == {"windows-server", f"windows-{site.by_file}", f"windows-{site.by_windows}"}
    for name, text in logs.items():
        assert " ERROR " not in text, json.dumps({name: text[-3000:]})
        assert text.count("connected as") >= 3, name
