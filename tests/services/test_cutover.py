"""A whole cutover through the services, with simulated agents."""

import pytest

from agents.protocol import Finding, Finished, StepDone, parse_instruction
from fleet.models import Transition
from fleet.services.cutovers import instructions
from fleet.services.cutovers.engine import chain_digest
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(5)
    return SimFleet.of(site)


def test_a_site_moves_to_https(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert set(states(cutover).values()) == {"verified"}
    assert fleet.server.scheme == "https"
    assert fleet.stranded() == []


def test_the_outage_of_each_terminal_is_whole_milliseconds_from_the_servers_last_answer(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    for run in cutover.runs.filter(kind="terminal"):
        at = run.steps.get(name="member_lookup").evidence["at_ms"]
        assert run.outage_ms == at - cutover.last_answer_ms


def test_rollback_after_completion_restores_everything_server_first(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    outages = dict(cutover.runs.values_list("pk", "outage_ms"))
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert set(states(cutover).values()) == {"restored"}
    assert fleet.server.scheme == "http"
    assert fleet.stranded() == []
    assert dict(cutover.runs.values_list("pk", "outage_ms")) == outages, "a rollback never changes an outage"
    order = list(Transition.objects.filter(cutover=cutover, new="restored").values_list("device_name", flat=True))
    assert order[0] == "netpos"


def test_a_broken_canary_rolls_everything_back(fleet):
    fleet["T01"].broken = True
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert set(states(cutover).values()) <= {"restored", "armed"}
    assert states(cutover)["netpos"] == states(cutover)["T01"] == "restored"
    assert fleet.stranded() == []
    assert "wave 1: 1 failed, 0 allowed (T01: tls_failed)" in Transition.objects.get(cutover=cutover, new="rolling_back").reason


def test_a_failure_within_the_limit_ends_in_needs_person_and_names_it():
    site, _, _ = make_club(11)
    fleet = SimFleet.of(site)
    fleet["T05"].broken = True
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "needs_person", dump(cutover)
    run = cutover.runs.get(device__name="T05")
    assert run.state == "failed"
    assert run.finding == {"code": "tls_failed", "message": "It broke.", "remedy": "Mend it."}
    fleet["T05"].broken = False
    fleet.act(cutover, "retry_failed")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert cutover.runs.get(device__name="T05").attempts == 2


def test_a_server_that_cannot_switch_leaves_the_site_as_it_was(fleet):
    fleet.server.broken = True
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert fleet.server.scheme == "http"
    assert fleet.stranded() == []


def test_a_terminal_that_is_off_is_late_and_heals_when_it_is_back(fleet):
    fleet["T03"].offline = True
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    fleet.tick(10)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    late = cutover.runs.get(device__name="T03")
    assert late.state == "late"
    assert late.finding["code"] == "no_contact"
    fleet["T03"].offline = False
    fleet.work()
    late.refresh_from_db()
    assert late.state == "verified"
    assert fleet.stranded() == []


def test_a_terminal_lost_while_switching_is_unreachable_and_counts_as_failed(fleet):
    cutover = fleet.plan(on_threshold="pause")
    fleet.act(cutover, "start")
    fleet.tick()
    for name in ("netpos", "T01", "T02", "T03", "T04", "T05"):
        fleet.serve(fleet[name].device.agent.pk)
    fleet["T01"].offline = True
    fleet.work()
    fleet.tick(60)
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, cutover.finding["code"]) == ("paused", "threshold_passed"), dump(cutover)
    assert states(cutover)["T01"] == "unreachable"
    assert states(cutover)["T02"] == "armed"


def test_every_change_is_in_the_chained_log(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    before = ""
    rows = list(Transition.objects.filter(cutover=cutover))
    assert [r.new for r in rows if r.run_id is None] == [
        "scheduled", "arming", "cutting_server", "switching", "verifying", "completed",
    ]  # fmt: skip
    for row in rows:
        assert row.digest == chain_digest(before, row)
        before = row.digest


def test_an_excluded_terminal_is_left_alone(fleet):
    cutover = fleet.plan(exclude=["T02"])
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert "T02" not in states(cutover)
    assert fleet["T02"].scheme == "http"


def test_a_cutover_back_to_http_is_a_cutover_too(fleet):
    first = fleet.plan()
    fleet.act(first, "start")
    fleet.work()
    back = fleet.plan(to_scheme="http")
    fleet.act(back, "start")
    fleet.work()
    back.refresh_from_db()
    assert back.state == "completed", dump(back)
    assert {a.scheme for a in fleet.agents.values()} == {"http"}


def alone(fleet, name, cutover, **fields):
    """This device's agent reports that it went back without having been told."""
    agent = fleet[name]
    agent.n += 1
    agent.scheme = "http"
    finding = Finding("lease_over", "The dashboard was silent.", "Look at it.")
    cutover.refresh_from_db()
    report = Finished(agent.n, 1, cutover.epoch, cutover.pk, "undo", "done", 1, "http", finding, restored=True, by_itself=True)
    fleet.deliver([(agent.device.agent.pk, report)])


def test_a_server_that_went_back_by_itself_takes_its_terminals_along(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    alone(fleet, "netpos", cutover)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert {a.scheme for a in fleet.agents.values()} == {"http"}


def test_a_terminal_that_went_back_by_itself_is_named(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    alone(fleet, "T02", cutover)
    cutover.refresh_from_db()
    assert (cutover.state, states(cutover)["T02"]) == ("needs_person", "failed")


@pytest.fixture
def half_undone(fleet):
    """half_undone(scheme): a finished cutover is rolled back; the server's service is started again and answers
    in this scheme, and then the Services Monitor cannot be started."""

    def undo(scheme):
        cutover = fleet.plan()
        fleet.act(cutover, "start")
        fleet.work()
        fleet.act(cutover, "roll_back")
        agent_id, server = fleet.server.device.agent.pk, fleet.server
        (row,) = instructions.waiting([agent_id])
        order = parse_instruction(row.body)
        server.done.add(order.seq)
        server.epoch, server.n, server.scheme = order.epoch, server.n + 2, scheme
        ids = (order.seq, order.epoch, order.cutover)
        monitor = Finding("service_failed_to_start", "The Services Monitor does not start.", "Start it by hand.")
        fleet.deliver(
            [
                (agent_id, StepDone(server.n - 1, *ids, "stop_service", "back", 1, 1, {"scheme": scheme})),
                (agent_id, Finished(server.n, *ids, "undo", "undo_failed", 1, scheme, monitor)),
            ]
        )
        fleet.work()
        cutover.refresh_from_db()
        return cutover

    return undo


def test_a_server_that_answers_as_before_takes_its_terminals_along_though_it_needs_a_person(fleet, half_undone):
    # A trial with a full disk stranded ten terminals: they waited for a Services Monitor that could not start.
    cutover = half_undone("http")
    assert fleet.stranded() == []
    assert (cutover.state, states(cutover).pop("netpos")) == ("needs_person", "undo_failed"), dump(cutover)
    assert {state for name, state in states(cutover).items() if name != "netpos"} == {"restored"}
    assert "netpos" in cutover.reason


def test_a_server_that_still_answers_in_the_new_scheme_keeps_its_terminals(fleet, half_undone):
    cutover = half_undone("https")
    assert fleet.stranded() == []
    assert {state for name, state in states(cutover).items() if name != "netpos"} == {"verified"}
    assert cutover.state == "needs_person"
