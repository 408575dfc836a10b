"""A site that was poisoned by an older version comes back."""

import json

import pytest
from django.core.management import call_command

from agents import protocol
from fleet.models import Agent, Cutover, DeviceRun, Instruction, Site, StepRun
from fleet.services import healing, keys
from fleet.services.agents import admission
from fleet.services.agents.rejected import AgentRejected
from tests.factories import NOW, make_club, make_step
from tests.services.fleet_sim import SimFleet, dump
from tests.services.test_agents import NONCE, Key

pytestmark = pytest.mark.django_db
POISON = 2**62


@pytest.fixture
def fleet():
    return SimFleet.of(make_club(2)[0])


@pytest.fixture
def cutover(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    return cutover


def poison(fleet, cutover):
    """What one till's hello did, as the database was left: a later instruction carries it."""
    Site.objects.update(epoch=POISON + 5)
    Cutover.objects.filter(pk=cutover.pk).update(epoch=POISON)
    DeviceRun.objects.filter(cutover=cutover).update(asked_epoch=POISON)
    till = Agent.objects.get(device=fleet["T01"].device)
    Agent.objects.filter(pk=till.pk).update(seq=2**63 - 1, acked=2**63 - 1)
    for order in Instruction.objects.filter(cutover=cutover):
        seq = POISON + order.seq if order.agent_id == till.pk else order.seq
        body = json.dumps(json.loads(order.body) | {"epoch": POISON, "seq": seq}, separators=(",", ":"), sort_keys=True)
        Instruction.objects.filter(pk=order.pk).update(epoch=POISON, seq=seq, body=body, signature=keys.sign(body))
    return till


def test_without_yes_nothing_is_changed(fleet, cutover, capsys):
    poison(fleet, cutover)
    before = list(Instruction.objects.values_list("epoch", "seq", "body"))
    call_command("heal_numbers")
    assert str(POISON) in capsys.readouterr().out
    assert list(Instruction.objects.values_list("epoch", "seq", "body")) == before
    assert Site.objects.get().epoch == POISON + 5


def test_everything_is_in_bounds_in_the_same_order_and_the_site_goes_on(fleet, cutover):
    till = poison(fleet, cutover)
    run = cutover.runs.get(device=fleet["T01"].device)
    make_step(run, "secured", epoch=POISON, seq=POISON + 1)
    call_command("heal_numbers", "--yes")
    cutover.refresh_from_db()
    site = Site.objects.get()
    till.refresh_from_db()
    assert 0 < cutover.epoch < site.epoch < 20
    assert till.seq < 20
    assert till.acked == 0
    assert StepRun.objects.get(run=run).epoch == cutover.epoch
    for order in Instruction.objects.filter(cutover=cutover, finished_at=None):
        told = protocol.parse_instruction(order.body)
        assert (told.epoch, told.seq, order.sent_at) == (order.epoch, order.seq, None)
        assert keys.verify(order.body, order.signature)
    for agent in fleet.agents.values():
        agent.done.clear()
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)


def test_what_is_in_bounds_stays(fleet, cutover):
    fleet.work()
    before = list(Instruction.objects.values_list("epoch", "seq", "body", "signature"))
    assert healing.heal(fleet.site, really=True).changes == []
    assert list(Instruction.objects.values_list("epoch", "seq", "body", "signature")) == before


def test_another_site_is_left_alone(fleet, cutover):
    other = make_club(1, epoch=POISON)[0]
    call_command("heal_numbers", "--yes", "--site", str(fleet.site.pk))
    assert Site.objects.get(pk=other.pk).epoch == POISON


def test_an_agent_of_a_poisoned_database_is_told_what_to_do(fleet):
    device, key = fleet["T01"].device, Key()
    agent = admission.enrol(key.enrol(admission.new_token(device, NOW)), NONCE, NOW).agent
    Agent.objects.filter(pk=agent).update(acked=2**63 - 1)
    with pytest.raises(AgentRejected, match="heal_numbers"):
        admission.recognise(key.hello(agent), NONCE, NOW)
    healing.heal(fleet.site, really=True)
    assert admission.recognise(key.hello(agent), NONCE, NOW).acked == 0


def test_one_poisoned_agent_does_not_stop_the_writing_of_the_others(fleet):
    Agent.objects.filter(device=fleet["T01"].device).update(seq=2**63 - 1)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    written = Instruction.objects.filter(cutover=cutover).values_list("agent__device__name", flat=True)
    assert set(written) == {"netpos", "T02"}
