"""Ten thousand deliveries of reports that were taken before, in any order between agents: no second effect."""

import random

import pytest
from django.db.models import Sum

from agents.protocol import Finished
from fleet.models import Agent, Cutover, Device, DeviceRun, Instruction, StepRun, Transition
from fleet.services.cutovers import reports
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, dump

pytestmark = pytest.mark.django_db
DELIVERIES = 10_000
BATCH = 250


@pytest.fixture
def fleet():
    site, _, _ = make_club(12)
    return SimFleet.of(site)


def effects():
    """Everything that a report may change, but when its agent was last seen."""
    runs = DeviceRun.objects.order_by("pk")
    return {
        "runs": list(runs.values_list("pk", "state", "step", "outage_ms", "attempts", "asks", "deadline_at", "version")),
        "cutovers": list(Cutover.objects.order_by("pk").values_list("pk", "state", "epoch", "version", "last_answer_ms")),
        "devices": list(Device.objects.order_by("pk").values_list("pk", "scheme")),
        "counts": [model.objects.count() for model in (Transition, StepRun, Instruction)],
        "finished": list(Instruction.objects.order_by("pk").values_list("pk", "finished_at")),
        "acked": Agent.objects.aggregate(Sum("acked")),
    }


def deliver_again(fleet, rng):
    """DELIVERIES of what is in the log, in batches; within one batch an agent's reports may go backwards, too."""
    for _ in range(DELIVERIES // BATCH):
        after, acked = reports.take(rng.choices(fleet.log, k=BATCH), fleet.now)
        assert not after.dispatch
        assert not after.changed
        assert acked == dict(Agent.objects.filter(pk__in=acked).values_list("pk", "acked"))


def test_ten_thousand_doubled_reports_of_a_completed_cutover_change_nothing(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    before = effects()
    assert before["counts"][0] > 30, dump(cutover)
    deliver_again(fleet, random.Random(7))
    assert effects() == before


def test_doubled_reports_change_nothing_while_a_cutover_is_on_its_way_back(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    fleet.act(cutover, "roll_back")
    fleet.serve(fleet.server.device.agent.pk)
    before = effects()
    assert set(cutover.runs.filter(kind="terminal").values_list("state", flat=True)) == {"undoing"}
    deliver_again(fleet, random.Random(8))
    assert effects() == before
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)


def test_a_cutover_whose_every_delivery_comes_three_times_and_mixed_has_each_effect_once(fleet):
    """From the beginning: each batch is everything said so far, agents in a new order each time."""
    rng = random.Random(9)
    once = fleet.deliver

    def thrice(batch):
        once(batch)
        for _ in range(2):
            agents = sorted(fleet.agents)
            rng.shuffle(agents)
            again = [(agent, report) for agent in agents for a, report in fleet.log if a == agent]
            fleet.follow(reports.take(again, fleet.now)[0])

    fleet.deliver = thrice
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    finished = [r for _, r in fleet.log if isinstance(r, Finished)]
    steps = len(fleet.log) - len(finished)
    assert StepRun.objects.count() == steps
    assert Instruction.objects.count() == len(finished)
    assert set(cutover.runs.values_list("attempts", flat=True)) == {1}
    ends = cutover.transitions.filter(new="verified").values_list("run", flat=True)
    assert len(ends) == len(set(ends)) == 13
