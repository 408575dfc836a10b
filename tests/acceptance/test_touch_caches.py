"""A site whose Touch reads its settings when it starts and writes them back when it ends: every window restarts it, and loses
nothing by it."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from agents.lab.touch import state
from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(6, touch="caches") as running:
        yield running


def events(site: DemoSite, name: str) -> list[dict]:
    """What happened to this terminal's Touch."""
    return [json.loads(line) for line in (site.lab / "terminals" / name / state.LOG).read_text().splitlines()]


def running(site: DemoSite) -> set[bool]:
    return {state.read(site.lab / "terminals" / name).running for name in site.names}


def back(site: DemoSite, cutover: int, before: dict) -> None:
    """Roll back: every byte is as before, and every Touch runs with it."""
    site.goes_back(cutover, before, rest_s=180, lookups_s=20)
    assert running(site) == {True}


def test_a_site_goes_to_https_and_back_byte_for_byte(site: DemoSite) -> None:
    before = site.snapshot()
    cutover = site.begin()
    end = site.rest(cutover)
    assert end["state"] == "completed", end["reason"]
    assert set(site.secured().values()) == {True}
    site.wait(lambda: site.all_ok("https"), 10, "the terminals' own lookups over https")
    log = [json.loads(line) for line in (site.lab / "server" / "access.jsonl").read_text().splitlines()]
    stopped = next(row["t"] for row in log if row["event"] == "stop")
    runs = {run["device"]: run for run in end["device_runs"]}
    for name in site.names:
        assert [row["event"] for row in events(site, name)] == ["started", "closed", "started"]
        restarted = events(site, name)[-1]["t"]
        assert runs[name]["outage_ms"] >= (restarted - stopped) * 1000, "the restart belongs to the outage"
    back(site, cutover, before)
    for name in site.names:
        assert [row["event"] for row in events(site, name)] == ["started", *("closed", "started") * 2]


def test_a_sale_stops_the_canary_and_changes_nothing(site: DemoSite) -> None:
    before, canary = site.snapshot(), site.names[0]
    seen = len(events(site, canary))
    site.take_effect({"terminals": {canary: {"in_sale": True}}})
    cutover = site.begin()
    end = site.rest(cutover)
    site.faults(None)
    assert end["state"] == "rolled_back"
    log = site.client.get(f"/cutovers/{cutover}/transitions")["items"]
    failed = next(t for t in log if t["to"] == "failed")
    assert failed["device"] == canary
    assert "a sale or a dialog is open" in failed["reason"]
    assert len(events(site, canary)) == seen, "it was neither closed nor killed"
    assert site.snapshot() == before
    assert running(site) == {True}


@pytest.mark.parametrize(
    ("point", "times"),
    [("terminal.secured.saved", 1), ("terminal.secured.applied", 2), ("terminal.restart_touch.applied", 1)],
)
def test_agents_and_terminals_that_are_killed_in_the_middle_lose_nothing(site: DemoSite, point: str, times: int) -> None:
    before = site.snapshot()
    site.arm(point, times)
    cutover = site.begin()

    def closed() -> bool:
        return False in running(site) or site.cutover(cutover)["state"] == "completed"

    site.wait(closed, 60, "the first Touch to be closed")
    for pid in site.pids()["terminals"]:
        os.kill(pid, signal.SIGKILL)
    end = site.rest(cutover, 180)
    assert end["state"] == "completed", end["reason"]
    assert site.armed() == 0, "the agent was killed"
    site.disarm()
    site.wait(lambda: site.all_ok("https"), 20, "the terminals' own lookups over https")
    assert running(site) == {True}
    site.arm(point.replace("saved", "undone").replace("applied", "undone"), times)
    back(site, cutover, before)
    site.disarm()
    kills = [row for name in site.names for row in events(site, name) if row["event"] == "killed"]
    assert kills == []
