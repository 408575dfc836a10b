"""A cutover of a site on whose server no agent may run: a person types its commands and answers, in time, late, wrongly or
never."""

import datetime as dt

import pytest

from fleet.models import Agent, Device, Instruction, Site
from fleet.services import readiness
from fleet.services.attention import listing
from fleet.services.clock import from_ms, to_ms
from fleet.services.cutovers import by_hand
from fleet.services.errors import Conflict, Invalid
from fleet.services.rehearsals import lifecycle
from tests.factories import NOW, make_club, make_device, make_user
from tests.services.fleet_sim import SimFleet, check_chain, dump, states

pytestmark = pytest.mark.django_db

THUMBPRINT = "AB" * 20


class SimSite(SimFleet):
    """A site whose server a person sets: `scheme_of_server` is what it really speaks."""

    @property
    def server(self):
        """The server, in place of its agent."""
        return self

    scheme = "http"


@pytest.fixture
def fleet():
    """Three terminals with agents; the server netpos has none, and is marked."""
    site, server, _ = make_club(3)
    server.agent.delete()
    Device.objects.filter(pk=server.pk).update(by_hand=True, facts={}, scheme="", port=None)
    return SimSite.of(site)


def planned(fleet, **fields):
    return fleet.plan(**({"on_threshold": "pause", "certificate_thumbprint": THUMBPRINT} | fields))


@pytest.fixture
def cutover(fleet):
    """The server's page asks."""
    cutover = planned(fleet)
    fleet.act(cutover, "start")
    fleet.work()
    assert states(cutover)["netpos"] == "switching", dump(cutover)
    cutover.refresh_from_db()
    return cutover


def answer(fleet, cutover, result="done", scheme="https", *, really=True, **more):
    """A person has done what the page asks, unless really is False, and says this."""
    if really:
        fleet.scheme = scheme
    fleet.follow(by_hand.answer(fleet.user, cutover.pk, "netpos", result, fleet.now, scheme=scheme, **more))
    fleet.work()
    cutover.refresh_from_db()


def server_run(cutover):
    return cutover.runs.get(kind="server")


def test_a_person_sets_the_server_and_the_agents_follow_and_prove_it(fleet, cutover):
    run = server_run(cutover)
    assert (run.by_hand, run.step, run.touched, run.proof) == (True, "", True, "person")
    assert run.deadline_at - run.changed_at == dt.timedelta(minutes=15)
    assert set(states(cutover).values()) == {"switching", "armed"}
    fleet.now += dt.timedelta(minutes=3)
    answer(fleet, cutover, note="https answers")
    assert cutover.state == "completed", dump(cutover)
    run = server_run(cutover)
    assert (run.state, run.answered_by, run.answer_note, run.outage_ms) == ("verified", fleet.user, "https answers", None)
    assert run.device.scheme == "https"
    assert not Instruction.objects.filter(run=run).exists()
    check_chain(cutover)


def test_the_outage_counts_from_the_moment_when_the_person_is_asked(fleet, cutover):
    asked = server_run(cutover).changed_at
    assert cutover.last_answer_ms == to_ms(asked)
    assert {r.cut_off_since for r in cutover.runs.filter(kind="terminal")} == {from_ms(to_ms(asked))}
    fleet.now += dt.timedelta(minutes=3)
    answer(fleet, cutover)
    for run in cutover.runs.filter(kind="terminal"):
        assert run.outage_ms == run.cut_off_ms >= 180_000
        assert run.cut_off_since is None


def test_a_rollback_begins_with_the_server_and_waits_for_its_person(fleet, cutover):
    answer(fleet, cutover)
    fleet.act(cutover, "roll_back")
    fleet.work()
    assert states(cutover) == {"netpos": "undoing", "T01": "verified", "T02": "verified", "T03": "verified"}
    assert all(run.cut_off_since for run in cutover.runs.filter(kind="terminal"))
    with pytest.raises(Conflict, match="turned around: set it back to HTTP"):
        answer(fleet, cutover, scheme="https", really=False)
    answer(fleet, cutover, scheme="http")
    assert cutover.state == "rolled_back", dump(cutover)
    assert set(states(cutover).values()) == {"restored"}
    assert not any(run.cut_off_since for run in cutover.runs.filter(kind="terminal"))
    assert server_run(cutover).device.scheme == "http"
    assert not Instruction.objects.filter(run=server_run(cutover)).exists()
    check_chain(cutover)


def test_nobody_answers_so_it_rolls_back_and_then_names_the_server(fleet, cutover):
    for _ in range(15):
        fleet.tick(60)
    cutover.refresh_from_db()
    assert (cutover.state, states(cutover)["netpos"]) == ("rolling_back", "undoing"), dump(cutover)
    assert (cutover.cause["code"], cutover.cause["devices"]) == ("nobody_answered", ["netpos"])
    for _ in range(16):
        fleet.tick(60)
    cutover.refresh_from_db()
    assert (cutover.state, states(cutover)["netpos"]) == ("needs_person", "undo_failed")
    answer(fleet, cutover, scheme="http")
    assert cutover.state == "rolled_back", dump(cutover)
    assert not any(run.cut_off_since for run in cutover.runs.all())


def test_what_does_not_work_rolls_back(fleet, cutover):
    answer(fleet, cutover, "does_not_work", note="error 183", really=False)
    assert (cutover.state, states(cutover)["netpos"]) == ("rolling_back", "undoing"), dump(cutover)
    assert "error 183" in cutover.cause["message"]
    answer(fleet, cutover, "does_not_work", scheme="http", really=False)
    assert (cutover.state, states(cutover)["netpos"]) == ("needs_person", "undo_failed")
    answer(fleet, cutover, scheme="http")
    assert cutover.state == "rolled_back", dump(cutover)


def test_a_done_that_is_not_so_is_found_by_the_first_terminal(fleet):
    cutover = planned(fleet, on_threshold="roll_back")
    fleet.act(cutover, "start")
    fleet.work()
    answer(fleet, cutover, really=False)
    assert (cutover.state, states(cutover)["netpos"], states(cutover)["T02"]) == ("rolling_back", "undoing", "armed")
    assert cutover.cause["devices"] == ["T01"]


def test_the_agents_are_told_the_typed_thumbprint(fleet, cutover):
    answer(fleet, cutover)
    bodies = Instruction.objects.filter(cutover=cutover, action="switch").values_list("body", flat=True)
    assert len(bodies) == 3
    assert all(THUMBPRINT in body for body in bodies)


def test_an_answer_about_the_server_says_which_scheme(fleet, cutover):
    with pytest.raises(Invalid) as refused:
        by_hand.answer(fleet.user, cutover.pk, "netpos", "done", fleet.now)
    assert [field for field, _ in refused.value.errors] == ["scheme"]
    assert states(cutover)["netpos"] == "switching"


def test_nobody_answers_for_the_server_before_its_turn(fleet):
    cutover = planned(fleet)
    fleet.act(cutover, "start")
    with pytest.raises(Conflict, match="not this server's turn"):
        answer(fleet, cutover, really=False)


def test_the_mark_wins_over_an_agent_of_the_server():
    site, server, _ = make_club(1)
    Device.objects.filter(pk=server.pk).update(by_hand=True)
    fleet = SimFleet.of(site)
    cutover = planned(fleet)
    fleet.act(cutover, "start")
    fleet.work()
    assert states(cutover) == {"netpos": "switching", "T01": "armed"}
    assert not Instruction.objects.filter(run__device=server).exists()


def test_a_server_that_only_lacks_its_agent_is_not_by_hand(fleet):
    Device.objects.filter(name="netpos").update(by_hand=False)
    cutover = planned(fleet)
    with pytest.raises(Conflict, match="has no agent yet: enrol it on the Agents page, or, if no agent may run there, mark it"):
        fleet.act(cutover, "start")


def test_a_site_where_everything_is_by_hand_believes_its_persons():
    site, server, _ = make_club(0)
    server.agent.delete()
    Device.objects.filter(pk=server.pk).update(by_hand=True)
    make_device(site, name="K1", agent=False)
    fleet = SimSite.of(site)
    cutover = planned(fleet)
    fleet.act(cutover, "start")
    fleet.tick()
    answer(fleet, cutover)
    assert states(cutover) == {"netpos": "verified", "K1": "switching"}
    fleet.follow(by_hand.answer(fleet.user, cutover.pk, "K1", "done", fleet.now, scheme="https"))
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)


def test_a_terminal_that_fails_keeps_the_cutover_from_completing(fleet):
    cutover = planned(fleet, waves=[])
    fleet.act(cutover, "start")
    type(cutover).objects.filter(pk=cutover.pk).update(limits=[1, 2])
    for name in ("T01", "T02", "T03"):
        fleet[name].broken = name != "T03"
    fleet.work()
    answer(fleet, cutover)
    assert cutover.state == "needs_person", dump(cutover)


def test_the_window_must_hold_the_time_of_the_servers_person(fleet):
    cutover = planned(fleet, duration_minutes=10)
    with pytest.raises(Conflict, match="does not fit into the window"):
        fleet.act(cutover, "start")


@pytest.mark.parametrize("thumbprint", ["", "AB" * 19])
def test_a_plan_to_https_needs_the_thumbprint(fleet, thumbprint):
    with pytest.raises(Invalid) as refused:
        planned(fleet, certificate_thumbprint=thumbprint)
    assert [field for field, _ in refused.value.errors] == ["certificate_thumbprint"]


def test_a_plan_to_http_needs_none(fleet):
    assert planned(fleet, to_scheme="http", certificate_thumbprint="").pk


def test_a_plan_without_thumbprint_is_refused_once_the_server_is_marked(fleet):
    Device.objects.filter(name="netpos").update(by_hand=False)
    cutover = planned(fleet, certificate_thumbprint="")
    Device.objects.filter(name="netpos").update(by_hand=True)
    with pytest.raises(Conflict, match="no agent can choose one from its store"):
        fleet.act(cutover, "start")


def test_a_rehearsal_is_refused_and_says_why(fleet):
    with pytest.raises(Conflict, match="netpos is done by hand: without an agent nothing opens the shadow listener"):
        lifecycle.start(fleet.user, fleet.site.pk, "", fleet.now)


def test_a_site_that_requires_a_rehearsal_says_what_to_do(fleet):
    Site.objects.update(rehearsal_hours=24)
    cutover = planned(fleet)
    with pytest.raises(
        Conflict, match=r"there can be none: the server netpos is done by hand.* Lift the rule on the Readiness page"
    ):
        fleet.act(cutover, "start")


@pytest.mark.parametrize("revoked", [True, False])
def test_nobody_is_alarmed_about_the_agent_of_a_server_by_hand(revoked):
    site, server, (one,) = make_club(1)
    long_ago = NOW - dt.timedelta(days=1)
    agents = Agent.objects.filter(device__site=site)
    agents.update(connected=False, last_seen=long_ago)
    agents.filter(device=server).update(revoked_at=NOW if revoked else None)
    user = make_user()
    code = "agent_revoked" if revoked else "server_no_contact"
    assert {(item.code, item.device) for item in listing.of(user, NOW).items} == {(code, "netpos")}
    Device.objects.filter(pk=server.pk).update(by_hand=True)
    assert {(item.code, item.device) for item in listing.of(user, NOW).items} == {("no_contact", one.name)}


def test_attention_names_the_server_that_waits(fleet, cutover):
    found = [(item.code, item.device) for item in listing.of(fleet.user, fleet.now).items if item.code == "by_hand_waiting"]
    assert found == [("by_hand_waiting", "netpos")]


def test_readiness_has_no_blocker_for_it(fleet):
    found = readiness.assess_site(Site.objects.get(), fleet.now)
    of_server = {(item.code, item.severity) for item in found.items if item.device == "netpos"}
    assert of_server == {("by_hand", "info")}
