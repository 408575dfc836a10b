"""Reports that come twice, late, in another order or from a stranger."""

import random

import pytest

from agents.protocol import Finished, StepDone
from fleet.models import Agent, StepRun, Transition
from fleet.services import instructions, reports
from tests.factories import NOW, make_club
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(3)
    return SimFleet.of(site)


def test_a_doubled_report_has_no_second_effect(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    transitions, steps = Transition.objects.count(), StepRun.objects.count()
    rng = random.Random(1)
    for _ in range(20):
        again = rng.choices(fleet.log, k=10)
        after, _ = reports.take(again, NOW)
        assert not after.dispatch
    assert (Transition.objects.count(), StepRun.objects.count()) == (transitions, steps)


def test_the_answer_says_up_to_where_an_agent_may_forget(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    agent_id = fleet.server.device.agent.pk
    fleet.serve(agent_id)
    _, acked = reports.take(fleet.log, NOW)
    assert acked[agent_id] == fleet.server.n == Agent.objects.get(pk=agent_id).acked


def test_a_report_of_an_older_epoch_changes_no_state(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    for agent_id in fleet.agents:
        fleet.serve(agent_id)
    server = fleet.server
    agent_id = server.device.agent.pk
    (row,) = instructions.waiting([agent_id])
    fleet.act(cutover, "roll_back")
    late = Finished(server.n + 1, row.seq, row.epoch, cutover.pk, "switch", "done", 1, "https")
    fleet.deliver([(agent_id, late)])
    assert states(cutover)["netpos"] == "undoing"


def test_an_agent_cannot_report_for_a_cutover_in_which_it_has_no_part(fleet):
    other, _, _ = make_club(1)
    stranger = SimFleet.of(other, fleet.user)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    before = states(cutover)
    agent_id = stranger.server.device.agent.pk
    reports.take([(agent_id, Finished(1, 1, cutover.epoch, cutover.pk, "switch", "done", 1, "https"))], NOW)
    assert states(cutover) == before


@pytest.mark.parametrize(
    "report",
    [
        StepDone(1, 10**9, 1, 10**12, "secured", "forward", 10**18, -5, {}),
        StepDone(1, 1, 1, 1, "format_disk", "forward", 1, 1, {}),
        Finished(1, 2**40, 2**50, 1, "switch", "done", -1, "https"),
    ],
)
def test_nonsense_from_an_agent_breaks_nothing(fleet, report):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    agent_id = fleet.server.device.agent.pk
    _, acked = reports.take([(agent_id, report)], NOW)
    assert acked == {agent_id: 1}
    fleet.server.n = 1
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert not StepRun.objects.filter(name="format_disk").exists()
