"""A dashboard that was away does not take its own absence for its agents' silence."""

import datetime as dt

import pytest

from fleet.services.cutovers import sweeps
from fleet.services.cutovers.run_steps import longest_s
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    """The canary was told to switch, and nobody has answered yet."""
    site, _, _ = make_club(3)
    fleet = SimFleet.of(site)
    fleet.cutover = fleet.plan()
    fleet.act(fleet.cutover, "start")
    fleet.tick()
    for _ in range(2):
        for name in ("netpos", "T01", "T02", "T03"):
            if name == "netpos" or states(fleet.cutover)[name] == "pending":
                fleet.serve(fleet[name].device.agent.pk)
    assert states(fleet.cutover)["T01"] == "switching"
    return fleet


def test_after_a_long_absence_deadlines_begin_anew(fleet):
    fleet.now += dt.timedelta(minutes=5)
    fleet.follow(sweeps.tick(fleet.now))
    assert states(fleet.cutover)["T01"] == "switching"
    fleet.work()
    fleet.cutover.refresh_from_db()
    assert fleet.cutover.state == "completed", dump(fleet.cutover)


def test_who_stays_silent_after_that_is_unreachable(fleet):
    fleet["T01"].offline = True
    fleet.now += dt.timedelta(minutes=5)
    fleet.follow(sweeps.tick(fleet.now))
    fleet.tick(sweeps.GRACE_S + 1)
    assert fleet.cutover.transitions.filter(device_name="T01", new="unreachable").exists()


def test_a_gateway_that_was_away_gives_grace_too(fleet):
    fleet.now += dt.timedelta(seconds=17)
    sweeps.give_grace(fleet.now)
    fleet.tick(5)
    assert states(fleet.cutover)["T01"] == "switching"


@pytest.mark.parametrize("days", [-1, -365])
def test_after_the_clock_was_put_back_silence_still_comes_to_an_end(fleet, days):
    fleet["T01"].offline = True
    fleet.now += dt.timedelta(days=days)
    fleet.follow(sweeps.tick(fleet.now))
    assert states(fleet.cutover)["T01"] == "switching"
    for _ in range(int(longest_s(None) / 50) + 1):
        fleet.tick(55)
    assert fleet.cutover.transitions.filter(device_name="T01", new="unreachable").exists()


def test_a_clock_that_is_put_forward_blames_nobody(fleet):
    fleet.now += dt.timedelta(days=1)
    fleet.tick()
    assert states(fleet.cutover)["T01"] == "switching"


def test_after_the_clock_was_put_back_the_newest_cutover_is_still_the_newest(fleet):
    fleet.work()
    fleet.now -= dt.timedelta(days=1)
    back = fleet.plan(to_scheme="http")
    fleet.act(back, "start")
    fleet.work()
    fleet.act(back, "roll_back")
    fleet.work()
    back.refresh_from_db()
    assert back.state == "rolled_back", dump(back)
    assert fleet.stranded() == []
