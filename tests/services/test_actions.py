"""What people may do, and when."""

import contextlib
import datetime as dt

import pytest

from fleet.models import Cutover, Role
from fleet.services.cutovers import actions
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import NOW, make_club, make_cutover, make_user
from tests.services.fleet_sim import SimFleet, dump, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    site, _, _ = make_club(4)
    return SimFleet.of(site)


def running(fleet, **plan):
    """A cutover whose server and canary are on https, paused."""
    cutover = fleet.plan(**plan)
    fleet.act(cutover, "start")
    for name in ("netpos", "T01", "T02", "T03", "T04"):
        fleet.serve(fleet[name].device.agent.pk)
        fleet.tick()
    fleet.serve(fleet.server.device.agent.pk)
    fleet.serve(fleet["T01"].device.agent.pk)
    return cutover


def test_a_second_start_of_the_same_cutover_is_a_conflict(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    with pytest.raises(Conflict, match="cannot start: the cutover is arming"):
        fleet.act(cutover, "start")


def test_a_second_cutover_of_a_busy_site_is_a_conflict(fleet):
    fleet.act(fleet.plan(), "start")
    with pytest.raises(Conflict, match="of this site is arming; only one cutover per site can be active"):
        fleet.act(fleet.plan(), "start")


def test_an_unknown_cutover_is_not_found(fleet):
    with pytest.raises(NotFound):
        actions.act(fleet.user, 4711, "start", NOW)


@pytest.mark.parametrize("verb", actions.VERBS)
@pytest.mark.parametrize("role", [Role.AUDITOR, None])
def test_roles_that_only_look_do_nothing(fleet, verb, role):
    cutover = fleet.plan()
    with pytest.raises(Forbidden):
        fleet.act(cutover, verb, user=make_user(role=role))


def test_with_two_persons_the_requester_does_not_approve():
    site, _, _ = make_club(2, two_persons=True)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    with pytest.raises(Forbidden, match="requires approval by a second person"):
        fleet.act(cutover, "start")
    fleet.act(cutover, "submit")
    with pytest.raises(Forbidden, match="the requester cannot"):
        fleet.act(cutover, "approve")
    fleet.act(cutover, "approve", user=make_user(role=Role.APPROVER))
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert cutover.approved_by != cutover.requested_by


def test_a_cutover_for_later_waits_for_its_window_and_opens_once(fleet):
    cutover = fleet.plan(starts_at=NOW + dt.timedelta(hours=2))
    fleet.act(cutover, "start")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "scheduled"
    fleet.tick(2 * 3600)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)
    assert cutover.transitions.filter(new="arming").count() == 1


def test_a_scheduled_cutover_can_be_cancelled(fleet):
    cutover = fleet.plan(starts_at=NOW + dt.timedelta(hours=2))
    fleet.act(cutover, "start")
    fleet.act(cutover, "cancel")
    cutover.refresh_from_db()
    assert cutover.state == "cancelled"
    fleet.act(fleet.plan(), "start")


def test_a_window_too_short_for_the_fleet_is_refused_with_the_reason():
    site, _, _ = make_club(700)
    fleet = SimFleet.of(site)
    with pytest.raises(Conflict, match="does not fit into the window: the cutover needs about"):
        fleet.act(fleet.plan(duration_minutes=1), "start")
    assert Cutover.objects.get().state == "draft"


def test_pause_lets_nothing_new_begin_and_resume_goes_on(fleet):
    cutover = running(fleet)
    fleet.act(cutover, "pause")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "paused"
    before = states(cutover)
    fleet.tick(30)
    fleet.work()
    assert states(cutover) == before
    fleet.act(cutover, "resume")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed", dump(cutover)


def test_rollback_in_the_middle_reaches_what_is_already_running(fleet):
    cutover = running(fleet)
    assert fleet.server.scheme == "https"
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back", dump(cutover)
    assert {a.scheme for a in fleet.agents.values()} == {"http"}


def test_rolling_back_twice_is_harmless(fleet):
    cutover = running(fleet)
    fleet.act(cutover, "roll_back")
    epoch = Cutover.objects.get(pk=cutover.pk).epoch
    fleet.act(cutover, "roll_back")
    assert Cutover.objects.get(pk=cutover.pk).epoch == epoch


def test_an_older_cutover_is_not_rolled_back_once_a_later_one_has_started(fleet):
    first = fleet.plan()
    fleet.act(first, "start")
    fleet.work()
    back = fleet.plan(to_scheme="http")
    fleet.act(back, "start")
    fleet.work()
    with pytest.raises(Conflict, match="a later cutover"):
        fleet.act(first, "roll_back")


def test_retry_without_a_failure_is_a_conflict(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    with pytest.raises(Conflict, match="no terminal has failed"):
        fleet.act(cutover, "retry_failed")


def test_a_site_that_is_there_already_is_not_moved_again(fleet):
    fleet.act(fleet.plan(), "start")
    fleet.work()
    with pytest.raises(Conflict, match="on HTTPS already"):
        fleet.act(fleet.plan(), "start")


def test_a_server_without_a_usable_certificate_stops_the_plan_and_the_start(fleet):
    cutover = fleet.plan()
    device = fleet.server.device
    device.facts["certificates"][0]["has_key"] = False
    device.save()
    with pytest.raises(Conflict, match="no certificate with a private key"):
        fleet.act(cutover, "start")
    with pytest.raises(Invalid, match="certificate_thumbprint: is set to the newest valid one, but the server's store has no"):
        fleet.plan()


def test_what_is_not_known_of_the_store_refuses_no_plan(fleet):
    device = fleet.server.device
    device.facts = {}
    device.save()
    fleet.plan()
    with pytest.raises(Conflict, match="no certificate with a private key"):
        fleet.act(fleet.plan(), "start")
    fleet.act(fleet.plan(certificate_thumbprint="AB" * 20), "start")


def test_no_certificate_is_asked_for_on_the_way_to_http(fleet):
    device = fleet.server.device
    device.facts["certificates"][0]["not_after"] = "2020-01-01T00:00:00+00:00"
    device.save()
    assert fleet.plan(to_scheme="http").state == "draft"


@pytest.mark.parametrize("facts", [{"certificates": [1, "x", {"thumbprint": 5}]}, {"certificates": "none"}, [], "told"])
def test_what_a_server_says_of_its_store_cannot_break_a_plan(fleet, facts):
    device = fleet.server.device
    device.facts = facts
    device.save()
    with contextlib.suppress(Invalid):
        fleet.plan(certificate_thumbprint="AB" * 20)


def test_nothing_begins_that_would_move_nothing(fleet):
    with pytest.raises(Invalid, match="exclude: leaves no terminal to switch"):
        fleet.plan(exclude=["T01", "T02", "T03", "T04"])
    cutover = fleet.plan(starts_at=NOW + dt.timedelta(hours=2))
    Cutover.objects.filter(pk=cutover.pk).update(exclude=["T01", "T02", "T03", "T04"])
    fleet.act(cutover, "submit")
    with pytest.raises(Conflict, match="excludes every terminal"):
        fleet.act(cutover, "approve")
    cutover.refresh_from_db()
    assert (cutover.state, cutover.runs.count()) == ("submitted", 0)


def test_a_window_that_begins_later_than_planned_must_fit_the_certificate_too(fleet):
    cutover = fleet.plan(duration_minutes=60)
    device = fleet.server.device
    device.facts["certificates"][0]["not_after"] = (NOW + dt.timedelta(minutes=70)).isoformat()
    device.save()
    fleet.now += dt.timedelta(minutes=20)
    with pytest.raises(Conflict, match=r"the certificate ABABABAB… ends on .* inside the window"):
        fleet.act(cutover, "start")


@pytest.mark.parametrize(
    ("field", "plan"),
    [
        ("duration_minutes", {"duration_minutes": 0}),
        ("starts_at", {"starts_at": NOW - dt.timedelta(minutes=5)}),
        ("starts_at", {"starts_at": dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC), "duration_minutes": 600}),
        ("exclude[0]", {"exclude": ["nobody"]}),
        ("certificate_thumbprint", {"certificate_thumbprint": "A" * 38}),
        ("certificate_thumbprint", {"certificate_thumbprint": "CD" * 20}),
        ("to_scheme", {"to_scheme": "ftp"}),
    ],
)
def test_a_bad_plan_names_the_field(fleet, field, plan):
    with pytest.raises(Invalid) as caught:
        fleet.plan(**plan)
    assert [f for f, _ in caught.value.errors] == [field]
    assert not Cutover.objects.exists()


@pytest.mark.parametrize(("unusable", "words"), [({"has_key": False}, "no private key"), ({"machine_key": False}, "profile")])
def test_a_plan_with_a_certificate_whose_key_http_sys_has_not_says_why(fleet, unusable, words):
    device = fleet.server.device
    row = device.facts["certificates"][0]
    row |= unusable
    device.save()
    with pytest.raises(Invalid) as caught:
        fleet.plan(certificate_thumbprint=row["thumbprint"])
    ((field, message),) = caught.value.errors
    assert (field, words in message) == ("certificate_thumbprint", True)


def test_buttons_follow_state_and_role(fleet):
    cutover = make_cutover(fleet.site, requested_by=fleet.user)
    assert actions.allowed(fleet.user, cutover) == {"submit", "start", "cancel"}
    assert actions.allowed(make_user(role=Role.AUDITOR), cutover) == set()
    cutover.state = "submitted"
    assert actions.allowed(make_user(role=Role.APPROVER), cutover) == {"approve"}


def failed_server_undo(fleet):
    """A cutover whose rollback needs a person, because its server was off; it comes back after another was begun."""
    cutover = running(fleet)
    fleet.server.offline = True
    fleet.act(cutover, "roll_back")
    fleet.tick(300)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "needs_person", dump(cutover)
    other = fleet.plan(starts_at=fleet.now + dt.timedelta(hours=2))
    fleet.act(other, "start")
    fleet.server.offline = False
    return cutover, other


def test_an_older_cutover_at_rest_does_not_begin_again_while_another_is_on(fleet):
    """The report that brought its server back once broke one_active_cutover_per_site, and with it every batch and tick."""
    older, other = failed_server_undo(fleet)
    fleet.work()
    older.refresh_from_db()
    assert older.state == "needs_person"
    assert states(older)["netpos"] == "restored"
    fleet.act(other, "cancel")
    fleet.work()
    older.refresh_from_db()
    assert older.state == "rolled_back", dump(older)
    assert fleet.stranded() == []


@pytest.mark.parametrize("verb", ["roll_back", "retry_failed"])
def test_an_older_cutover_is_not_taken_up_again_while_another_is_on(verb):
    site, _, _ = make_club(11)
    fleet = SimFleet.of(site)
    fleet["T05"].broken = True
    older = fleet.plan()
    fleet.act(older, "start")
    fleet.work()
    older.refresh_from_db()
    assert older.state == "needs_person", dump(older)
    fleet.act(fleet.plan(to_scheme="http"), "start")
    fleet.work()
    with pytest.raises(Conflict, match="a later cutover"):
        fleet.act(older, verb)
