"""Promises that more than one lock keeps: here each lock is tried by itself. Found missing by planted bugs."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from agents import protocol
from agents.protocol import Finding, Finished, StepDone
from fleet.cutover import states as domain
from fleet.models import Cutover, DeviceRun, Site
from fleet.services.agents import admission
from fleet.services.clock import to_ms
from fleet.services.cutovers import actions, instructions, reports, sweeps
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.errors import StaleState
from tests.factories import NOW, make_club, make_cutover
from tests.services.fleet_sim import SimFleet, dump, states
from tests.services.proving import proof_of
from tests.services.test_agents import NONCE, Key

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(4)
    return SimFleet.of(site)


@pytest.fixture
def cutover(fleet):
    """Its server is told to switch."""
    cutover = fleet.plan(on_window_close="hold")
    fleet.act(cutover, "start")
    for name in ("netpos", "T01", "T02", "T03", "T04"):
        fleet.serve(fleet[name].device.agent.pk)
    cutover.refresh_from_db()
    return cutover


def report(fleet, name, cutover, step, seq, **evidence):
    """This device's agent has done a step."""
    agent = fleet[name]
    agent.n += 1
    done = StepDone(agent.n, seq, cutover.epoch, cutover.pk, step, "forward", to_ms(fleet.now), 1, evidence)
    fleet.deliver([(agent.device.agent.pk, done)])


def test_a_change_made_underneath_is_never_overwritten(fleet, cutover):
    session = LockedCutover(cutover.pk, fleet.now)
    DeviceRun.objects.filter(cutover=cutover, device__name="T01").update(state="late")
    run = next(r for r in session.runs.values() if r.device.name == "T01")
    with pytest.raises(StaleState):
        session.move_run(run, domain.Run.SWITCHING, "told", actor="plan")
    assert states(cutover)["T01"] == "late"
    Cutover.objects.filter(pk=cutover.pk).update(state="rolling_back")
    with pytest.raises(StaleState):
        session.move(domain.Cutover.PAUSED, "paused", actor="plan")
    cutover.refresh_from_db()
    assert cutover.state == "rolling_back"


def test_the_database_itself_allows_one_active_cutover_of_a_site(fleet):
    make_cutover(fleet.site, state="arming")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_cutover(fleet.site, state="scheduled")


def test_instructions_whose_task_was_lost_are_found_by_the_next_tick(fleet):
    cutover = fleet.plan()
    actions.act(fleet.user, cutover.pk, "start", fleet.now)  # and nobody follows: the broker was emptied
    assert cutover.instructions.count() == 0
    fleet.follow(sweeps.tick(fleet.now + dt.timedelta(seconds=1)))
    assert cutover.instructions.count() == 5


def test_a_refusal_from_before_the_turn_says_nothing_about_the_way_back(fleet, cutover):
    server = fleet.server
    (row,) = instructions.waiting([server.device.agent.pk])
    fleet.act(cutover, "roll_back")
    refused = Finding("stale_instruction", "A newer one has been accepted.", "Nothing was done.")
    late = Finished(server.n + 1, row.seq, row.epoch, cutover.pk, "switch", "refused", 1, "http", refused)
    fleet.deliver([(server.device.agent.pk, late)])
    assert states(cutover)["netpos"] == "undoing"


def test_a_turn_is_a_new_epoch(fleet, cutover):
    before = cutover.epoch
    fleet.act(cutover, "roll_back")
    cutover.refresh_from_db()
    assert cutover.epoch > before
    (row,) = instructions.waiting([fleet.server.device.agent.pk])
    assert (row.action, row.epoch) == ("undo", cutover.epoch)


def test_on_the_way_back_terminals_wait_for_their_server(fleet, cutover):
    fleet.work()
    fleet.act(cutover, "roll_back")
    assert set(cutover.instructions.filter(action="undo").values_list("run__kind", flat=True)) == {"server"}
    fleet.serve(fleet.server.device.agent.pk)
    assert set(cutover.instructions.filter(action="undo").values_list("run__kind", flat=True)) == {"server", "terminal"}


def test_no_wave_begins_after_the_point_of_no_return(fleet, cutover):
    for name in ("netpos", "T01"):
        (row,) = instructions.waiting([fleet[name].device.agent.pk])
        order = protocol.parse_instruction(row.body)
        assert (order.action, order.expires_ms) == ("switch", to_ms(cutover.no_return_at))
        if name == "T01":
            fleet.now = cutover.no_return_at + dt.timedelta(seconds=1)
        fleet.serve(fleet[name].device.agent.pk)
    cutover.refresh_from_db()
    assert (cutover.state, cutover.finding["code"]) == ("paused", "window_closing"), dump(cutover)
    assert (states(cutover)["T01"], states(cutover)["T02"]) == ("verified", "armed")


def test_a_second_stop_does_not_move_the_beginning_of_the_outage(fleet, cutover):
    first = to_ms(fleet.now)
    report(fleet, "netpos", cutover, "stop_service", 2, last_answer_ms=first)
    fleet.now += dt.timedelta(seconds=4)
    report(fleet, "netpos", cutover, "stop_service", 1, last_answer_ms=first + 4000)
    cutover.refresh_from_db()
    assert cutover.last_answer_ms == first


def test_a_step_told_again_under_a_new_number_is_kept_once(fleet, cutover):
    for _ in range(2):
        report(fleet, "netpos", cutover, "hold_monitor", 2)
    assert cutover.runs.get(kind="server").steps.count() == 1


def test_an_older_report_does_not_take_the_acknowledgement_back(fleet, cutover):
    fleet.work()
    agent, first = next((a, r) for a, r in fleet.log if a == fleet.server.device.agent.pk)
    after, acked = reports.take([(agent, first)], fleet.now)
    assert acked == {agent: fleet.server.n}
    assert fleet.server.n > first.n
    assert not after.changed


def test_an_agent_that_proves_a_newer_epoch_is_noticed(fleet):
    key = Key()
    enrolled = admission.enrol(key.enrol(admission.new_token(fleet["T01"].device, NOW)), NONCE, NOW)
    admission.recognise(key.hello(enrolled.agent, proof=proof_of(enrolled.agent, epoch=50, seq=90)), NONCE, NOW)
    site = Site.objects.get(pk=fleet.site.pk)
    assert (site.epoch, site.warning["code"]) == (50, "restored_backup")
