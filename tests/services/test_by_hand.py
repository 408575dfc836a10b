"""A cutover with terminals that no agent can run on: persons set them and answer, in time, late, wrongly, twice or never."""

import datetime as dt

import pytest

from fleet.models import Agent, Device, Instruction, Rehearsal, Role, TerminalCheck
from fleet.services.clock import to_ms
from fleet.services.cutovers import by_hand, sweeps
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import NOW, make_club, make_device, make_user
from tests.services.fleet_sim import SimFleet, check_chain, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    """Two terminals with agents, and after them one without: T03."""
    site, _, _ = make_club(2)
    make_device(site, name="T03", agent=False)
    return SimFleet.of(site)


@pytest.fixture
def cutover(fleet):
    """Every agent has done its part, and T03 waits for a person."""
    cutover = fleet.plan(on_threshold="pause")
    fleet.act(cutover, "start")
    fleet.work()
    assert states(cutover)["T03"] == "switching", dump(cutover)
    return cutover


def answer(fleet, cutover, result="done", user=None, name="T03", **more):
    fleet.follow(by_hand.answer(user or fleet.user, cutover.pk, name, result, fleet.now, **more))
    fleet.work()
    cutover.refresh_from_db()


def run_of(cutover, name="T03"):
    return cutover.runs.get(device__name=name)


def test_a_terminal_without_an_agent_is_done_by_hand_and_all_end_well(fleet, cutover):
    run = run_of(cutover)
    assert (run.by_hand, run.step, run.touched, run.attempts) == (True, "", True, 1)
    assert run.deadline_at - run.changed_at == dt.timedelta(minutes=15)
    fleet.now += dt.timedelta(seconds=30)
    answer(fleet, cutover, note="looked up 1001", scheme="https")
    assert cutover.state == "completed", dump(cutover)
    run = run_of(cutover)
    assert (run.state, run.proof, run.answered_by, run.answer_note) == ("verified", "person", fleet.user, "looked up 1001")
    assert run.outage_ms >= 30_000
    assert (run.cut_off_ms, run.cut_off_since) == (run.outage_ms, None)
    assert run.device.scheme == "https"
    assert run.confirm_at is None
    check_chain(cutover)


def test_nothing_is_written_for_its_agent_where_the_mark_wins():
    site, _, terminals = make_club(2)
    Device.objects.filter(pk=terminals[1].pk).update(by_hand=True)
    fleet = SimFleet.of(site)
    cutover = fleet.plan(on_threshold="pause")
    fleet.act(cutover, "start")
    fleet.work()
    assert not Instruction.objects.filter(run__device=terminals[1]).exists()
    answer(fleet, cutover, name="T02")
    assert cutover.state == "completed", dump(cutover)
    fleet.act(cutover, "roll_back")
    fleet.work()
    assert states(cutover)["T02"] == "undoing"
    assert not Instruction.objects.filter(run__device=terminals[1]).exists()


def test_a_terminal_whose_agent_was_revoked_is_done_by_hand(fleet):
    fleet["T02"].device.agent.revoked_at = fleet.now
    fleet["T02"].device.agent.save()
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    assert set(cutover.runs.filter(by_hand=True).values_list("device__name", flat=True)) == {"T02", "T03"}


def test_one_that_gets_an_agent_before_the_window_opens_is_not_done_by_hand(fleet):
    cutover = fleet.plan(starts_at=fleet.now + dt.timedelta(hours=1))
    fleet.act(cutover, "start")
    assert run_of(cutover).by_hand
    Agent.objects.create(device=run_of(cutover).device, public_key="late", connected=True)
    fleet.now += dt.timedelta(hours=1)
    fleet.tick()
    run = run_of(cutover)
    assert (run.by_hand, run.proof, run.state) == (False, "transport", "pending")


def test_its_deadline_lasts_minutes_and_then_it_is_named(fleet, cutover):
    for _ in range(14):
        fleet.tick(60)
    assert states(cutover)["T03"] == "switching"
    fleet.tick(60)
    cutover.refresh_from_db()
    run = run_of(cutover)
    assert (run.state, run.finding["code"]) == ("unreachable", "nobody_answered")
    assert cutover.state == "paused", dump(cutover)


def test_the_plan_says_how_long_a_person_may_take(fleet):
    cutover = fleet.plan(on_threshold="pause", by_hand_minutes=2)
    fleet.act(cutover, "start")
    fleet.work()
    fleet.tick(60)
    assert states(cutover)["T03"] == "switching"
    fleet.tick(60)
    assert states(cutover)["T03"] == "unreachable"


@pytest.mark.parametrize("minutes", [0, 241, -1])
def test_the_time_for_a_person_has_bounds(fleet, minutes):
    with pytest.raises(Invalid) as refused:
        fleet.plan(by_hand_minutes=minutes)
    assert [field for field, _ in refused.value.errors] == ["by_hand_minutes"]


def test_unanswered_it_ends_with_a_named_terminal_and_a_late_answer_completes_it(fleet):
    cutover = fleet.plan(waves=[], on_threshold="roll_back", by_hand_minutes=1)
    cutover.refresh_from_db()
    fleet.act(cutover, "start")
    type(cutover).objects.filter(pk=cutover.pk).update(limits=[0, 2])
    fleet.work()
    fleet.tick(60)
    fleet.tick(5)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "needs_person", dump(cutover)
    assert cutover.cause["devices"] == ["T03"]
    answer(fleet, cutover)
    assert cutover.state == "completed", dump(cutover)
    check_chain(cutover)


def test_what_does_not_work_fails_with_the_note_and_can_be_retried(fleet, cutover):
    answer(fleet, cutover, "does_not_work", note="it says no host")
    run = run_of(cutover)
    assert (run.state, run.finding["code"], run.cut_off_ms) == ("failed", "does_not_work", None)
    assert "it says no host" in run.finding["message"]
    assert run.cut_off_since is not None
    assert cutover.state == "paused"
    fleet.act(cutover, "retry_failed")
    fleet.work()
    assert states(cutover)["T03"] == "switching"
    answer(fleet, cutover)
    assert cutover.state == "completed", dump(cutover)


def test_done_twice_is_done_once(fleet, cutover):
    answer(fleet, cutover)
    before = cutover.version
    fleet.now += dt.timedelta(seconds=9)
    answer(fleet, cutover, user=make_user("second"))
    assert cutover.version == before
    assert run_of(cutover).answered_by == fleet.user


def test_a_person_who_was_wrong_may_say_so(fleet, cutover):
    answer(fleet, cutover)
    assert cutover.state == "completed"
    answer(fleet, cutover, "does_not_work")
    assert cutover.state == "needs_person", dump(cutover)
    assert run_of(cutover).cut_off_since is not None


def test_a_rollback_asks_a_person_to_set_it_back(fleet, cutover):
    answer(fleet, cutover)
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, states(cutover)["T03"]) == ("rolling_back", "undoing")
    assert states(cutover)["T01"] == "restored"
    answer(fleet, cutover, scheme="http")
    assert cutover.state == "rolled_back", dump(cutover)
    run = run_of(cutover)
    assert (run.state, run.proof, run.cut_off_since) == ("restored", "person", None)
    assert run.device.scheme == "http"
    check_chain(cutover)


def test_a_waiting_person_does_not_stop_a_rollback(fleet, cutover):
    fleet.act(cutover, "roll_back")
    fleet.work()
    assert fleet["T01"].scheme == fleet["T02"].scheme == fleet.server.scheme == "http"
    fleet.tick(15 * 60 - 10)
    for _ in range(16):
        fleet.tick(60)
    cutover.refresh_from_db()
    run = run_of(cutover)
    assert (cutover.state, run.state, run.finding["code"]) == ("needs_person", "undo_failed", "nobody_answered")
    answer(fleet, cutover)
    assert cutover.state == "rolled_back", dump(cutover)


def test_one_that_was_never_touched_stays_clean(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet["T01"].broken = True  # the canary
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert states(cutover)["T03"] == "armed"
    run = run_of(cutover)
    assert run.cut_off_since is None
    assert run.cut_off_ms > 0


def test_an_answer_to_the_question_before_the_turn_is_refused(fleet, cutover):
    fleet.act(cutover, "roll_back")
    with pytest.raises(Conflict, match="turned around: set it back to HTTP"):
        answer(fleet, cutover, scheme="https")
    fleet.work()
    assert states(cutover)["T03"] == "undoing"
    with pytest.raises(Conflict, match="turned around: set it back to HTTP"):
        answer(fleet, cutover, scheme="https")
    assert states(cutover)["T03"] == "undoing"


def test_nobody_answers_for_another_terminal_or_at_another_time(fleet):
    cutover = fleet.plan()
    with pytest.raises(NotFound):
        answer(fleet, cutover)
    fleet.act(cutover, "start")
    with pytest.raises(Conflict, match="not this terminal's turn"):
        answer(fleet, cutover)
    with pytest.raises(Conflict, match="not done by hand"):
        answer(fleet, cutover, name="T01")
    with pytest.raises(NotFound, match="'nobody'"):
        answer(fleet, cutover, name="nobody")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"result": "maybe"}, "result"),
        ({"note": "x" * 201}, "note"),
        ({"note": "a\nb"}, "note"),
        ({"scheme": "ftp"}, "scheme"),
    ],
)
def test_bad_answers_name_their_field(fleet, cutover, changes, field):
    with pytest.raises(Invalid) as refused:
        answer(fleet, cutover, **({"result": "done"} | changes))
    assert [name for name, _ in refused.value.errors] == [field]


@pytest.mark.parametrize(("role", "may"), [(Role.ADMIN, True), (Role.APPROVER, True), (Role.AUDITOR, False), (None, False)])
def test_who_may_answer(fleet, cutover, role, may):
    user = make_user("somebody", role)
    if may:
        answer(fleet, cutover, user=user)
        assert run_of(cutover).answered_by == user
        return
    with pytest.raises(Forbidden):
        answer(fleet, cutover, user=user)


def test_an_older_cutovers_answer_is_refused_once_a_later_one_has_started(fleet, cutover):
    answer(fleet, cutover)
    later = fleet.plan(to_scheme="http")
    fleet.act(later, "start")
    with pytest.raises(Conflict, match="a later cutover"):
        answer(fleet, cutover, "does_not_work")


def test_the_window_must_hold_the_time_of_persons(fleet):
    cutover = fleet.plan(duration_minutes=4)
    with pytest.raises(Conflict, match="does not fit into the window"):
        fleet.act(cutover, "start")
    cutover = fleet.plan(duration_minutes=60)
    fleet.act(cutover, "start")
    cutover.refresh_from_db()
    assert (cutover.ends_at - cutover.no_return_at).total_seconds() > 120


def test_after_an_absence_of_the_dashboard_a_person_gets_more_time(fleet, cutover):
    fleet.now += dt.timedelta(minutes=30)
    fleet.follow(sweeps.tick(fleet.now))
    assert states(cutover)["T03"] == "switching"
    fleet.tick(60)
    assert states(cutover)["T03"] == "switching"
    fleet.tick(60)
    fleet.tick(5)
    assert states(cutover)["T03"] == "unreachable"


def test_a_clock_that_was_put_back_does_not_make_it_wait_for_days(fleet, cutover):
    fleet.now -= dt.timedelta(days=3)
    fleet.follow(sweeps.tick(fleet.now))
    left = (run_of(cutover).deadline_at - fleet.now).total_seconds()
    assert 15 * 60 <= left <= 15 * 60 + 5


def test_pause_and_resume_leave_a_waiting_person_alone(fleet, cutover):
    fleet.act(cutover, "pause")
    answer(fleet, cutover)
    assert (cutover.state, states(cutover)["T03"]) == ("paused", "verified")
    fleet.act(cutover, "resume")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)


def test_at_the_point_of_no_return_a_waiting_person_is_asked_to_set_it_back():
    site, _, _ = make_club(1)
    make_device(site, name="T03", agent=False)
    fleet = SimFleet.of(site)
    cutover = fleet.plan(on_window_close="roll_back", duration_minutes=12)
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert states(cutover)["T03"] == "switching"
    while fleet.now < cutover.no_return_at:
        fleet.tick(30)
    fleet.work()
    cutover.refresh_from_db()
    assert (cutover.state, states(cutover)["T03"]) == ("rolling_back", "undoing")


def test_a_site_of_terminals_by_hand_alone_works():
    site, _, _ = make_club(0)
    for name in ("K1", "K2"):
        make_device(site, name=name, agent=False)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    assert states(cutover) == {"netpos": "verified", "K1": "switching", "K2": "armed"}
    answer(fleet, cutover, name="K1")
    answer(fleet, cutover, name="K2")
    assert cutover.state == "completed", dump(cutover)


# --- more than a person's word ---------------------------------------------------------------------


@pytest.fixture
def believed(fleet, cutover):
    """T03 is verified by a person's word, and its address is known."""
    Device.objects.filter(name="T03").update(address="10.0.0.9")
    answer(fleet, cutover)
    fleet.now += dt.timedelta(seconds=30)
    return cutover


def told(fleet, rows, agent=None):
    """The server's agent sends an inventory with these addresses."""
    server = fleet.server.device
    Device.objects.filter(pk=server.pk).update(facts={"seen_over_tls": rows})
    return by_hand.recognise(agent or server.agent.pk, fleet.now)


def seen_at(fleet, seconds=0, **changes):
    return {"10.0.0.9": {"scheme": "https", "at_ms": to_ms(fleet.now) + round(seconds * 1000)} | changes}


def test_an_address_that_connected_over_tls_since_is_a_transport_proof(fleet, believed):
    after = told(fleet, seen_at(fleet, -20))
    assert run_of(believed).proof == "transport"
    assert after.changed == {believed.pk}


@pytest.mark.parametrize(
    "rows",
    [
        {"at_ms": to_ms(NOW)}, {"at_ms": None}, {"at_ms": "now"}, {"at_ms": True}, {"scheme": "http"}, {"scheme": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_was_seen_before_or_without_tls_is_none(fleet, believed, rows):
    told(fleet, seen_at(fleet, **rows))
    assert run_of(believed).proof == "person"


@pytest.mark.parametrize("facts", [[], None, "x", {"10.0.0.8": {"scheme": "https", "at_ms": 10**15}}, {"10.0.0.9": 5}])
def test_odd_facts_change_nothing(fleet, believed, facts):
    told(fleet, facts)
    assert run_of(believed).proof == "person"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_a_loopback_address_proves_nothing(fleet, believed, address):
    Device.objects.filter(name="T03").update(address=address)
    told(fleet, {address: {"scheme": "https", "at_ms": to_ms(fleet.now)}})
    assert run_of(believed).proof == "person"


def test_an_address_that_another_device_has_proves_nothing(fleet, believed):
    Device.objects.filter(name="T01").update(address="10.0.0.9")
    told(fleet, seen_at(fleet))
    assert run_of(believed).proof == "person"


def test_an_address_that_another_terminal_had_in_the_rehearsal_proves_nothing(fleet, believed):
    held = Rehearsal.objects.create(site=fleet.site, state="done", thumbprint="AB" * 20, deadline_at=NOW)
    TerminalCheck.objects.create(rehearsal=held, device=fleet["T01"].device, facts={"own_address": "10.0.0.9"})
    told(fleet, seen_at(fleet))
    assert run_of(believed).proof == "person"


def test_only_the_servers_agent_counts(fleet, believed):
    Device.objects.filter(name="T01").update(facts={"seen_over_tls": seen_at(fleet)})
    by_hand.recognise(fleet["T01"].device.agent.pk, fleet.now)
    assert run_of(believed).proof == "person"


def test_a_new_answer_is_a_persons_word_again(fleet, believed):
    told(fleet, seen_at(fleet))
    answer(fleet, believed, "does_not_work")
    assert run_of(believed).proof == "person"
    told(fleet, seen_at(fleet))
    assert run_of(believed).proof == "person"
