"""Restart Touch in the dashboard: only the terminals whose inventory tells of it get the step, and only they are waited for
longer."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from agents import catalogue
from agents.catalogue import RESTART_TOUCH, TERMINAL_STEPS
from agents.protocol import Finding, Finished, StepDone, parse_instruction
from fleet.cutover.forecast import Timings
from fleet.cutover.waves import Wave
from fleet.device_facts.parse import parse_restart
from fleet.models import Agent, Device, DeviceRun
from fleet.services.cutovers import instructions, sweeps
from fleet.services.cutovers.run_steps import CONTACT_SLACK_S, first_step
from fleet.services.cutovers.timings import timings
from fleet.web.live import view_models
from tests.factories import NOW, make_club, make_cutover, make_run, make_step
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db
PROGRAM = {"how": "program", "limit_s": 120}


def restarts(name: str, told: Any = PROGRAM) -> None:
    Device.objects.filter(name=name).update(facts={"restart": told})


@pytest.fixture
def fleet() -> SimFleet:
    """T02 restarts Touch; the others do not."""
    site, _, _ = make_club(3)
    restarts("T02")
    return SimFleet.of(site)


def switching(fleet: SimFleet) -> dict[str, DeviceRun]:
    """The runs when the server has switched and every terminal was told to."""
    fleet.cutover = fleet.plan(waves=(Wave(percent=100, max_failed=3),))
    fleet.act(fleet.cutover, "start")
    fleet.tick()
    while set(states(fleet.cutover).values()) != {"verified", "switching"}:
        for name in ("netpos", "T01", "T02", "T03"):
            if states(fleet.cutover)[name] in ("pending", "armed") or name == "netpos":
                fleet.serve(fleet[name].device.agent.pk)
        fleet.tick()
    return {run.device.name: run for run in fleet.cutover.runs.select_related("device__agent")}


def order(run: DeviceRun) -> Any:
    (row,) = instructions.waiting([run.device.agent.pk])
    return parse_instruction(row.body)


def report(fleet: SimFleet, run: DeviceRun, step: str) -> DeviceRun:
    told, agent = order(run), fleet[run.device.name]
    agent.n += 1
    done = StepDone(agent.n, told.seq, told.epoch, told.cutover, step, "forward", 0, 1, {"scheme": "https"})
    fleet.deliver([(run.device.agent.pk, done)])
    return DeviceRun.objects.select_related("device").get(pk=run.pk)


def test_only_a_terminal_that_restarts_touch_is_told_to(fleet: SimFleet) -> None:
    runs = switching(fleet)
    usual = tuple(step.name for step in TERMINAL_STEPS)
    assert order(runs["T01"]).steps == order(runs["T03"]).steps == usual
    assert order(runs["T02"]).steps == ("secured", "restart_touch", *usual[1:])


def test_only_such_a_terminal_may_take_longer(fleet: SimFleet) -> None:
    runs = switching(fleet)
    left = {name: (run.deadline_at - fleet.now).total_seconds() for name, run in runs.items() if run.kind == "terminal"}
    secured = catalogue.SECURED.limit_s + CONTACT_SLACK_S
    assert left["T01"] == left["T03"] <= secured
    assert secured + 120 < left["T02"] <= 120 + RESTART_TOUCH.limit_s + CONTACT_SLACK_S
    fleet.tick(30)
    assert (states(fleet.cutover)["T01"], states(fleet.cutover)["T02"]) == ("unreachable", "switching")


def test_after_secured_it_is_restarting_and_the_others_are_looking_up(fleet: SimFleet) -> None:
    runs = switching(fleet)
    assert report(fleet, runs["T02"], "secured").step == "restart_touch"
    assert report(fleet, runs["T02"], "restart_touch").step == "interface_list"
    assert report(fleet, runs["T01"], "secured").step == "interface_list"
    assert report(fleet, runs["T01"], "restart_touch").step == "interface_list", "it has no such step"
    assert not runs["T01"].steps.filter(name="restart_touch").exists()


def test_a_whole_cutover_and_its_rollback(fleet: SimFleet) -> None:
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert list(cutover.runs.get(device__name="T02").steps.filter(name="restart_touch").values_list("direction", flat=True))
    assert not cutover.runs.get(device__name="T01").steps.filter(name="restart_touch").exists()
    marks = {row.name: row.marks_said for row in view_models.rows(cutover, view_models.in_table(cutover))}
    assert "Restart Touch: done" in marks["T02"]
    assert "Restart Touch" not in marks["T01"]
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert fleet.stranded() == []


def test_an_undo_is_waited_for_as_long_as_touch_may_take_to_close(fleet: SimFleet) -> None:
    run = make_run(make_cutover(fleet.site), fleet["T02"].device, "undoing")
    other = make_run(run.cutover, fleet["T01"].device, "undoing")
    assert (first_step(run, "undo"), first_step(other, "undo")) == ("restart_touch", "member_lookup")


def test_an_agent_that_knows_better_is_no_alarm(fleet: SimFleet) -> None:
    runs = switching(fleet)
    told, agent = order(runs["T01"]), fleet["T01"]
    agent.n += 1
    finding = Finding("restart_not_planned", "the profile restarts Touch, the instruction does not", "none")
    refused = Finished(agent.n, told.seq, told.epoch, told.cutover, "switch", "refused", 0, "http", finding=finding)
    fleet.deliver([(runs["T01"].device.agent.pk, refused)])
    assert Agent.objects.get(device__name="T01").alarm is None
    assert states(fleet.cutover)["T01"] == "failed"


def test_when_the_clock_was_put_back_each_is_waited_for_no_longer_than_its_own_limit(fleet: SimFleet) -> None:
    runs = switching(fleet)
    fleet.now -= dt.timedelta(days=1)
    fleet.follow(sweeps.tick(fleet.now))
    left = {
        run.device.name: (run.deadline_at - fleet.now).total_seconds()
        for run in DeviceRun.objects.filter(pk__in=[runs["T01"].pk, runs["T02"].pk]).select_related("device")
    }
    assert left == {"T01": sweeps.longest_s(None) + 5, "T02": 120 + RESTART_TOUCH.limit_s + CONTACT_SLACK_S + 5}


def test_the_forecast_counts_the_restart_only_where_there_is_one(fleet: SimFleet) -> None:
    usual, longer = Timings(), timings(make_cutover(fleet.site))
    assert longer == replace(usual, restarts=(("program", 1),))
    restarts("T03", {"how": "reboot"})
    assert timings(make_cutover(fleet.site)).restarts == (("program", 1), ("reboot", 1))
    other, _, _ = make_club(2)
    assert timings(make_cutover(other)) == usual


def test_what_a_restart_took_counts_up_to_its_own_limit(fleet: SimFleet) -> None:
    before = make_cutover(fleet.site, state="completed", started_at=NOW)
    for name in ("T01", "T02"):
        make_step(make_run(before, fleet[name].device, "verified"), "secured", took_ms=10_000_000)
    measured = timings(make_cutover(fleet.site)).terminal_forward_s
    usual = sum(step.limit_s for step in TERMINAL_STEPS)
    with_restart = sum(step.limit_s for step in catalogue.steps_for("terminal", "switch", catalogue.Restart("program", 120)))
    assert measured == (usual + with_restart) / 2, "the median of two"


@pytest.mark.parametrize(
    "told", [None, "program", [], {}, {"how": "never"}, {"how": ["program"]}, {"how": "format C:"}, {"how": None, "limit_s": 5}]
)
def test_other_claims_are_no_restart(told: Any) -> None:
    assert parse_restart({"restart": told}) is None


@pytest.mark.parametrize(
    ("limit_s", "read"), [(5, 5), (600, 600), (601, 600), (4, 600), (True, 600), ("9", 600), (1e9, 600), (None, 600)]
)
def test_a_claimed_limit_is_bounded(limit_s: Any, read: int) -> None:
    assert parse_restart({"restart": {"how": "reboot", "limit_s": limit_s}}) == catalogue.Restart("reboot", read)
