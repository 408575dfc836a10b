"""A dashboard whose database is older than what its agents have done."""

import pytest

from fleet.models import Agent, Site
from fleet.services.cutovers import actions, restored
from fleet.services.errors import Conflict
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(3)
    return SimFleet.of(site)


def ahead(fleet, name="T01"):
    agent = Agent.objects.select_related("device__site").get(pk=fleet[name].device.agent.pk)
    restored.notice(agent, 50, 90, fleet.now)


def test_an_agent_that_is_ahead_pauses_the_cutover_and_warns(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    ahead(fleet)
    cutover.refresh_from_db()
    assert (cutover.state, cutover.finding["code"]) == ("paused", "restored_backup")
    assert Site.objects.get().warning["code"] == "restored_backup"


def test_a_rollback_afterwards_is_newer_than_anything_the_agents_have_seen(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    for agent in fleet.agents.values():
        agent.epoch = 50
    ahead(fleet)
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.epoch > 50
    assert cutover.state == "rolled_back", dump(cutover)
    assert Agent.objects.get(pk=fleet["T01"].device.agent.pk).seq >= 90


def test_a_number_that_an_agent_has_had_is_not_given_again(fleet):
    # A trial stranded a till: it came back late, and answered its undo with the end of the switch of that number.
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    late = Agent.objects.get(pk=fleet["T02"].device.agent.pk)
    agent = Agent.objects.select_related("device__site").get(pk=fleet["T01"].device.agent.pk)
    restored.notice(agent, cutover.epoch, agent.seq + 1, fleet.now)
    cutover.refresh_from_db()
    assert cutover.state == "paused", "the same epoch, but an instruction that nobody here knows of"
    assert Agent.objects.get(pk=late.pk).seq == late.seq + restored.LOST_AT_MOST


@pytest.mark.parametrize("paused_before", [False, True])
def test_nobody_goes_on_from_what_an_old_database_says(fleet, paused_before):
    # A trial had everything rolled back, restored a backup of before, and resumed: "every terminal answers over https".
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    for agent in fleet.agents.values():
        agent.epoch = 50
    if paused_before:
        fleet.act(cutover, "pause")
    ahead(fleet)
    cutover.refresh_from_db()
    assert (cutover.state, cutover.finding["code"]) == ("paused", "restored_backup")
    assert "resume" not in actions.allowed(fleet.user, cutover)
    with pytest.raises(Conflict, match="press Roll back"):
        fleet.act(cutover, "resume")
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)


def test_after_a_restore_the_rollback_asks_and_awaits_every_device(fleet):
    """The backup is of before the switch; meanwhile everybody was switched."""
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    for agent in fleet.agents.values():
        agent.epoch, agent.scheme = 50, "https"
    ahead(fleet)
    fleet.act(cutover, "roll_back")
    fleet.work()
    assert set(states(cutover).values()) == {"restored"}
    assert {agent.scheme for agent in fleet.agents.values()} == {"http"}
