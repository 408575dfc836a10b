"""A whole window in each dialect that the lab speaks: rehearsed, forward with the right proof, a kill in the middle, and back
byte for byte."""

import os
import signal
from collections.abc import Iterator

import pytest

from agents.lab.dialects import named
from tests.acceptance.site import DemoSite

pytestmark = pytest.mark.lab

PROOFS = {"rest": "application", "soap": "application", "opaque": "transport"}


@pytest.fixture(scope="module", params=named.NAMES)
def site(request: pytest.FixtureRequest) -> Iterator[DemoSite]:
    with DemoSite(4, dialect=request.param) as running:
        yield running


def test_a_rehearsal_finds_every_terminal_ready(site: DemoSite) -> None:
    started = site.client.post(f"/sites/{site.facts['site']}/rehearsals", {})
    done = site.wait(
        lambda: (now := site.client.get(f"/rehearsals/{started['id']}"))["state"] in ("done", "failed") and now, 90, "its end"
    )
    assert done["state"] == "done", done["finding"]
    assert [(row["device"], row["finding"]) for row in done["seats"]] == [(name, None) for name in site.names]


def test_a_site_goes_to_https_and_back_byte_for_byte(site: DemoSite) -> None:
    before = site.snapshot()
    cutover = site.begin()
    site.wait(lambda: site.client.get(f"/cutovers/{cutover}")["state"] != "arming", 60, "the server to be switched")
    os.kill(site.pids()["terminal_agents"][0], signal.SIGKILL)
    end = site.rest(cutover)
    assert end["state"] == "completed", end["reason"]
    runs = [run for run in end["device_runs"] if run["kind"] == "terminal"]
    assert [run["proof"] for run in runs] == [PROOFS[site.dialect]] * 4
    site.wait(lambda: site.all_ok("https"), 10, "the terminals' own lookups over https")

    site.goes_back(cutover, before)
