"""Reports that come twice, late, in another order or from a stranger."""

import json
import random

import pytest

from agents.protocol import Finding, Finished, StepDone
from fleet.models import Agent, StepRun, Transition
from fleet.services.agents import admission
from fleet.services.cutovers import instructions, reports
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
        Finished(1, 2**70, 1, 1, "switch", "done", 2**70, "https"),
        StepDone(1, 2**70, 2**70, 2**70, "secured", "forward", 1, 1, {}),
        StepDone(1, -1, -1, 1, "secured", "forward", -1, -1, {}),
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


NASTY = {
    "a\0b": ["c\0", float("nan"), float("-inf"), "\ud800", {"deep": json.loads("[" * 60 + "]" * 60)}],
    "last_answer_ms": 2**70,
}


def test_what_no_database_takes_is_made_fit_and_stops_nobody(fleet):
    """On SQLite a NaN, on PostgreSQL a NUL, too, once made the whole batch fail, and the gateway tried it for ever."""
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    cutover.refresh_from_db()
    nasty, other = fleet["T01"], fleet["T02"]
    (row,) = instructions.waiting([nasty.device.agent.pk])
    finding = Finding("x\0", "half of a pair: \udfff", "y\0")
    ids = (row.seq, row.epoch, cutover.pk)
    batch = [
        (nasty.device.agent.pk, StepDone(1, *ids, "secured", "forward", 1, 1, NASTY)),
        (nasty.device.agent.pk, Finished(2, *ids, "arm", "failed", 2**70, "http", finding)),
        (fleet.server.device.agent.pk, StepDone(1, *ids, "stop_service", "forward", 1, 1, NASTY)),
        (other.device.agent.pk, Finished(1, 1, row.epoch, cutover.pk, "arm", "done", 1, "http")),
    ]
    _, acked = reports.take(batch, NOW)
    assert acked == {nasty.device.agent.pk: 2, fleet.server.device.agent.pk: 1, other.device.agent.pk: 1}
    assert cutover.runs.get(device=nasty.device).finding == {"code": "x?", "message": "half of a pair: ?", "remedy": "y?"}
    assert cutover.transitions.filter(device_name="T02", new="armed").exists()
    evidence = StepRun.objects.get(name="secured").evidence
    assert evidence["a?b"][:4] == ["c?", None, None, "?"]
    cutover.refresh_from_db()
    assert cutover.last_answer_ms is None


def test_a_terminal_does_not_speak_of_the_servers_steps(fleet):
    """It would begin every terminal's outage, or be verified by a step that it does not have."""
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    cutover.refresh_from_db()
    agent_id = fleet["T01"].device.agent.pk
    for n, step in enumerate(("stop_service", "verify_server"), 1):
        reports.take([(agent_id, StepDone(n, 1, cutover.epoch, cutover.pk, step, "forward", 1, 1, {"last_answer_ms": 7}))], NOW)
    cutover.refresh_from_db()
    assert cutover.last_answer_ms is None
    assert not StepRun.objects.exists()


def test_a_number_beyond_every_column_is_not_acknowledged(fleet):
    agent_id = fleet.server.device.agent.pk
    _, acked = reports.take([(agent_id, StepDone(2**63, 1, 1, 1, "secured", "forward", 1, 1, {}))], NOW)
    assert acked == {agent_id: 0}


def test_facts_that_no_database_takes_are_made_fit(fleet):
    device = fleet["T01"].device
    admission.take_inventory(device.agent.pk, {**NASTY, "host": "a\0\ud800"}, NOW)
    device.refresh_from_db()
    assert device.host == "a??"
    assert device.facts["a?b"][1] is None
