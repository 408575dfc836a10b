"""A whole window in the lab, over REST: forward, back, and what happens when something is wrong."""

import os
import signal

import pytest

from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site():
    with DemoSite(8) as running:
        yield running


def test_a_site_goes_to_https_and_back_byte_for_byte(site):
    before = site.snapshot()
    cutover = site.begin()
    end = site.rest(cutover)
    assert end["state"] == "completed", end["reason"]
    assert site.server_ssl()
    assert set(site.secured().values()) == {True}
    site.wait(lambda: site.all_ok("https"), 10, "the terminals' own lookups over https")
    for run in end["device_runs"]:
        assert run["state"] == "verified"
        assert run["kind"] == "server" or run["outage_ms"] > 0

    site.goes_back(cutover, before)


def test_a_terminal_that_does_not_trust_the_certificate_stops_at_the_canary(site):
    before = site.snapshot()
    canary = site.names[0]
    site.take_effect({"terminals": {canary: {"untrusted_root": True}}})
    cutover = site.begin()
    end = site.rest(cutover)
    site.faults(None)
    assert end["state"] == "rolled_back"
    log = site.client.get(f"/cutovers/{cutover}/transitions")["items"]
    failed = next(t for t in log if t["to"] == "failed")
    assert failed["device"] == canary
    assert [t["device"] for t in log if t["to"] == "verified"] == ["NetPOS"], "no terminal flips after the canary"
    assert site.snapshot() == before


def test_a_server_that_does_not_start_with_ssl_is_restored(site):
    before = site.snapshot()
    site.take_effect({"server": {"fail_to_start": True}})
    cutover = site.begin()
    end = site.rest(cutover, 240)
    site.faults(None)
    assert end["state"] == "rolled_back"
    assert site.snapshot() == before
    site.wait(lambda: site.all_ok("http"), 15, "the terminals' own lookups over http")


def test_every_part_may_be_killed_and_comes_back(site):
    for part in ("web", "gateway", "worker", "beat", "broker", "server_agent", "terminal_agents", "netpos", "terminals"):
        old = site.pids()[part][0]
        os.kill(old, signal.SIGKILL)
        site.wait(
            lambda part=part, old=old: site.pids()[part] and old not in site.pids()[part], 5, f"{part} to be started again"
        )

    site.wait(site.connected, 30, "all agents to be connected again")
    end = site.rest(site.begin())
    assert end["state"] == "completed", end["reason"]
    site.client.post(f"/cutovers/{end['id']}/roll_back")
    assert site.rest(end["id"])["state"] == "rolled_back"
