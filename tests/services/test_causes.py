"""Reasons are kept: the first cause of a cutover, the finding of a device that was put back, and how long each terminal
was cut off, whatever happened afterwards."""

import datetime as dt
import itertools

import pytest

from agents.protocol import parse_instruction
from fleet.cutover.waves import Wave
from fleet.models import Transition
from fleet.services.clock import to_ms
from fleet.services.cutovers import instructions, report_taker, reports, sweeps
from fleet.services.errors import Conflict
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, check_chain, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(4)
    return SimFleet.of(site)


def run_of(cutover, name):
    return cutover.runs.get(device__name=name)


def start(fleet, **fields):
    cutover = fleet.plan(**fields)
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    return cutover


def test_an_automatic_rollback_keeps_its_cause_and_the_devices_finding(fleet):
    fleet["T01"].broken = True
    cutover = start(fleet)
    assert cutover.state == "rolled_back", dump(cutover)
    assert cutover.cause["code"] == "tls_failed"
    assert cutover.cause["devices"] == ["T01"]
    assert "T01: It broke." in cutover.cause["message"]
    run = run_of(cutover, "T01")
    assert (run.state, run.finding["code"]) == ("restored", "tls_failed")
    check_chain(cutover)


def test_a_transition_names_the_device_and_its_finding(fleet):
    fleet["T01"].broken = True
    cutover = start(fleet)
    (failed,) = Transition.objects.filter(cutover=cutover, new="failed")
    assert failed.reason == "could not switch: It broke. (tls_failed)"
    back = Transition.objects.get(cutover=cutover, new="rolling_back")
    assert back.reason == "wave 1: 1 failed, 0 allowed (T01: tls_failed)"


def test_the_first_cause_stays_whatever_comes_after(fleet):
    fleet["T01"].broken = True
    cutover = start(fleet, on_threshold="pause")
    assert (cutover.state, cutover.cause["code"]) == ("paused", "tls_failed")
    fleet["T03"].broken = True
    fleet.act(cutover, "resume")
    fleet.work()
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert cutover.cause["devices"] == ["T01"]


def test_what_a_person_did_is_no_cause(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.tick()
    fleet.act(cutover, "pause")
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, cutover.cause) == ("rolled_back", None)


def test_a_finding_is_gone_once_its_device_is_verified(fleet):
    fleet["T04"].broken = True
    waves = (Wave(percent=100, max_failed=2),)
    cutover = start(fleet, waves=waves)
    assert (cutover.state, run_of(cutover, "T04").state) == ("needs_person", "failed")
    assert cutover.cause["devices"] == ["T04"]
    fleet["T04"].broken = False
    fleet.act(cutover, "retry_failed")
    fleet.work()
    assert run_of(cutover, "T04").finding is None
    cutover.refresh_from_db()
    assert cutover.cause["devices"] == ["T04"]


# --- cut off


def test_a_terminal_that_verifies_was_cut_off_for_its_outage(fleet):
    cutover = start(fleet)
    for run in cutover.runs.filter(kind="terminal"):
        assert run.outage_ms > 0
        assert (run.cut_off_ms, run.cut_off_since) == (run.outage_ms, None)
    assert cutover.runs.get(kind="server").cut_off_ms is None


def test_a_failed_terminals_clock_runs_on_until_it_is_served_again(fleet):
    fleet["T04"].broken = True
    cutover = start(fleet, waves=(Wave(percent=100, max_failed=2),))
    since = run_of(cutover, "T04").cut_off_since
    assert to_ms(since) == cutover.last_answer_ms
    assert run_of(cutover, "T04").cut_off_ms is None
    fleet.tick(100)
    fleet.act(cutover, "roll_back")
    fleet.work()
    run = run_of(cutover, "T04")
    assert run.state == "restored"
    assert run.cut_off_since is None
    assert 100_000 < run.cut_off_ms <= to_ms(fleet.now) - cutover.last_answer_ms
    assert run.outage_ms is None


def test_a_terminal_that_was_cut_off_twice_adds_both_up(fleet):
    cutover = start(fleet)
    first = run_of(cutover, "T02").outage_ms
    fleet.tick(600)
    fleet.act(cutover, "roll_back")
    fleet.work()
    run = run_of(cutover, "T02")
    assert run.state == "restored"
    assert first < run.cut_off_ms < 60_000
    assert run.outage_ms == first


def test_before_the_server_stops_nobody_is_cut_off(fleet):
    fleet.server.broken = True
    cutover = start(fleet)
    assert cutover.state == "rolled_back", dump(cutover)
    assert {(run.cut_off_ms, run.cut_off_since) for run in cutover.runs.all()} == {(None, None)}
    assert (cutover.cause["code"], cutover.cause["devices"]) == ("tls_failed", ["netpos"])


def test_a_terminal_that_nobody_told_anything_is_served_again_when_it_says_so(fleet):
    """Only the canary was told to switch when everything turned back: the others lost their server, too."""
    fleet["T01"].broken = True
    cutover = start(fleet)
    run = run_of(cutover, "T03")
    assert run.state == "armed"
    assert run.cut_off_since is None
    assert run.cut_off_ms > 0


# --- each site's clock is its own


def test_a_site_that_fails_does_not_stop_the_tick_of_others(fleet, monkeypatch):
    other = SimFleet.of(make_club(2)[0], fleet.user)
    bad, good = fleet.plan(), other.plan()
    fleet.act(bad, "start")
    other.act(good, "start")
    look = sweeps._look_at

    def broken(cutover, now):
        if cutover.pk == bad.pk:
            raise RuntimeError("it does not settle \x1b[31m" + "x" * 500)
        return look(cutover, now)

    monkeypatch.setattr(sweeps, "_look_at", broken)
    other.work()
    good.refresh_from_db()
    assert good.state == "completed", dump(good)
    fleet.site.refresh_from_db()
    trouble = fleet.site.trouble
    assert trouble["code"] == "dashboard_error"
    assert "\x1b" not in trouble["message"]
    assert len(trouble["message"]) < 400
    monkeypatch.setattr(sweeps, "_look_at", look)
    fleet.now = other.now + dt.timedelta(seconds=120)
    fleet.work()
    bad.refresh_from_db()
    assert bad.state == "completed", dump(bad)
    fleet.site.refresh_from_db()
    assert fleet.site.trouble is None


def test_a_site_that_keeps_failing_is_tried_with_growing_pauses(fleet, monkeypatch):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    tried = []

    def broken(cutover, now):
        tried.append(now)
        raise RuntimeError("again")

    monkeypatch.setattr(sweeps, "_look_at", broken)
    for _ in range(300):
        fleet.now += dt.timedelta(seconds=1)
        sweeps.tick(fleet.now)
    pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(tried)]
    assert pauses[:5] == [2, 4, 8, 16, 32]
    assert set(pauses[5:]) == {60}


def test_reports_that_fail_at_one_site_are_kept_for_it_and_taken_at_the_other(fleet, monkeypatch):
    other = SimFleet.of(make_club(2)[0], fleet.user)
    for each in (fleet, other):
        each.cutover = each.plan()
        each.act(each.cutover, "start")
    batch = [(a, r) for each in (fleet, other) for a in each.agents for r in _first_reports(each, a)]
    finished = report_taker.ReportTaker.finished

    def broken(self, run, report, asked):
        if self.locked.cutover.pk == fleet.cutover.pk:
            raise ValueError("unforeseen")
        return finished(self, run, report, asked)

    monkeypatch.setattr(report_taker.ReportTaker, "finished", broken)
    _, acked = reports.take(batch, fleet.now)
    assert {acked[a] for a in fleet.agents} == {0}
    assert {acked[a] for a in other.agents} == {1}
    assert set(states(other.cutover).values()) == {"armed", "switching"}
    assert set(states(fleet.cutover).values()) == {"pending"}
    monkeypatch.setattr(report_taker.ReportTaker, "finished", finished)
    _, acked = reports.take(batch, fleet.now)
    assert {acked[a] for a in fleet.agents} == {1}


def _first_reports(fleet, agent_id):
    fleet.tick()
    (row,) = instructions.waiting([agent_id])
    return fleet.perform(agent_id, parse_instruction(row.body))


def test_a_cutover_whose_terminals_have_gone_changes_nothing():
    site, _, terminals = make_club(2)
    fleet = SimFleet.of(site)
    cutover = fleet.plan(starts_at=fleet.now + dt.timedelta(hours=1))
    fleet.act(cutover, "start")
    for device in terminals:
        del fleet.agents[device.agent.pk]
        device.delete()
    fleet.now += dt.timedelta(hours=1)
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, cutover.cause["code"]) == ("rolled_back", "no_terminals")
    assert fleet.server.scheme == "http"


def test_a_site_that_was_poisoned_says_the_way_out(fleet):
    cutover = fleet.plan()
    fleet.site.epoch = 2**63 - 2
    fleet.site.save()
    with pytest.raises(Conflict, match="heal_numbers"):
        fleet.act(cutover, "start")
