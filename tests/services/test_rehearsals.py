"""Rehearsals from the dashboard's side: who may, what each agent is told, what becomes of every kind of answer."""

import datetime as dt
from typing import Any

import pytest

from agents import protocol
from fleet.cutover import states
from fleet.models import Rehearsal, Role, TerminalCheck
from fleet.services import sanitize
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound, StaleState
from fleet.services.rehearsals import lifecycle, probes, schedule
from tests.factories import NOW, certificate, make_club, make_cutover, make_site, make_user

pytestmark = pytest.mark.django_db
S = dt.timedelta(seconds=1)
PORTS = {"port": 40001, "plain_port": 40002, "chain": ["no certificate"]}
FINDING = protocol.Finding("untrusted_root", "the till does not trust it", "Install the root.")


def begun(terminals: int = 3, **site: Any) -> Rehearsal:
    club, *_ = make_club(terminals, **site)
    rehearsal, after = lifecycle.start(make_user(), club.pk, "", NOW)
    assert after.rehearse == {rehearsal.pk}
    probes.write(rehearsal.pk, NOW)
    return rehearsal


def answer(rehearsal: Rehearsal, name: str, action: protocol.ProbeAction, facts: Any = None, finding: Any = None) -> Any:
    agent = rehearsal.site.devices.get(name=name).agent.pk
    return agent, protocol.Rehearsed(rehearsal.pk, action, {} if facts is None else facts, finding)


def opened(terminals: int = 3) -> Rehearsal:
    rehearsal = begun(terminals)
    assert lifecycle.take([answer(rehearsal, "netpos", "open", PORTS)], NOW + S).rehearse == {rehearsal.pk}
    probes.write(rehearsal.pk, NOW + S)
    rehearsal.refresh_from_db()
    assert rehearsal.state == "asking"
    return rehearsal


def bodies(rehearsal: Rehearsal) -> dict[str, protocol.Rehearsal]:
    seats = rehearsal.checks.exclude(body="").select_related("device")
    return {seat.device.name: protocol.parse_rehearsal(seat.body) for seat in seats}


def test_the_server_is_asked_first_and_with_what_it_needs() -> None:
    rehearsal = begun()
    told = bodies(rehearsal)
    assert set(told) == {"netpos"}
    look = told["netpos"]
    assert (look.action, look.port, look.thumbprint, look.member) == ("open", 10101, "AB" * 20, "1001")
    assert look.shadow_port == look.samples == 0


def test_the_terminals_are_asked_when_the_server_has_opened() -> None:
    told = bodies(opened())
    look = told["T02"]
    assert (look.action, look.port, look.shadow_port, look.plain_port) == ("ask", 10101, 40001, 40002)
    assert look.samples == probes.MOST_SAMPLES
    assert look.issuers == ()  # the chain held no certificate


def test_it_ends_when_all_have_answered_and_says_what_each_saw() -> None:
    rehearsal = opened()
    assert not lifecycle.take([answer(rehearsal, "T01", "ask", {"cold_ms": 12.5})], NOW + 2 * S).rehearse
    after = lifecycle.take([answer(rehearsal, n, "ask", {}, f) for n, f in (("T02", FINDING), ("T03", None))], NOW + 3 * S)
    assert after.rehearse == {rehearsal.pk}
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.finished_at) == ("done", NOW + 3 * S)
    ready = {seat.device.name: seat.ready for seat in rehearsal.checks.all()}
    assert ready == {"T01": True, "T02": False, "T03": True, "netpos": True}
    probes.write(rehearsal.pk, NOW + 3 * S)
    assert bodies(rehearsal)["netpos"].action == "close"


def test_it_does_not_wait_for_whom_nobody_can_ask() -> None:
    club, _, (_, away, none) = make_club(3)
    type(away.agent).objects.filter(pk=away.agent.pk).update(connected=False)
    none.agent.delete()
    rehearsal, _ = lifecycle.start(make_user(), club.pk, "", NOW)
    lifecycle.take([answer(rehearsal, "netpos", "open", PORTS)], NOW)
    lifecycle.take([answer(rehearsal, "T01", "ask")], NOW)
    rehearsal.refresh_from_db()
    assert rehearsal.state == "done"
    assert {seat.device.name: seat.ready for seat in rehearsal.checks.all()}["T02"] is None


def test_a_terminal_that_is_silent_is_waited_for_and_no_longer() -> None:
    rehearsal = opened()
    lifecycle.take([answer(rehearsal, "T01", "ask")], NOW + 2 * S)
    assert not schedule.tick(rehearsal.deadline_at - S).rehearse
    assert schedule.tick(rehearsal.deadline_at).rehearse == {rehearsal.pk}
    rehearsal.refresh_from_db()
    assert rehearsal.state == "done"
    assert not lifecycle.take([answer(rehearsal, "T02", "ask")], NOW).rehearse
    assert rehearsal.checks.get(device__name="T02").ready is None


def test_a_server_that_cannot_open_ends_it_with_its_own_words() -> None:
    rehearsal = begun()
    lifecycle.take([answer(rehearsal, "netpos", "open", {}, FINDING)], NOW)
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.finding["code"]) == ("failed", "untrusted_root")


@pytest.mark.parametrize("facts", [{}, {"port": "40001", "plain_port": 2}, {"port": 0, "plain_port": 70000}, {"port": True}])
def test_a_server_that_answers_nonsense_ends_it(facts: Any) -> None:
    rehearsal = begun()
    lifecycle.take([answer(rehearsal, "netpos", "open", facts)], NOW)
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.finding["code"]) == ("failed", "bad_answer")


def test_a_server_that_is_silent_ends_it() -> None:
    rehearsal = begun()
    schedule.tick(NOW + lifecycle.OPEN_LIMIT)
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.finding["code"]) == ("failed", "no_answer")


def test_a_clock_that_was_put_back_does_not_hold_it_for_a_day() -> None:
    rehearsal = begun()
    schedule.tick(NOW - dt.timedelta(days=1))
    rehearsal.refresh_from_db()
    assert rehearsal.state == "failed"


def test_answers_that_nobody_asked_for_change_nothing() -> None:
    rehearsal, other = opened(), opened()
    for agent, said in (
        answer(rehearsal, "T01", "open", PORTS),  # a terminal is no server
        answer(rehearsal, "netpos", "ask"),
        (answer(other, "T01", "ask")[0], answer(rehearsal, "T01", "ask")[1]),  # another site's agent
        (answer(rehearsal, "T01", "ask")[0], protocol.Rehearsed(2**63, "ask", {})),
        answer(rehearsal, "T01", "ask", {"x": "y" * sanitize.MAX_FACTS_BYTES}),
    ):
        assert not lifecycle.take([(agent, said)], NOW).rehearse
    assert not TerminalCheck.objects.filter(action="ask", answered_at__isnull=False).exists()


def test_the_first_answer_counts() -> None:
    rehearsal = opened()
    lifecycle.take([answer(rehearsal, "T01", "ask", {}, FINDING)], NOW)
    lifecycle.take([answer(rehearsal, "T01", "ask", {"cold_ms": 1})], NOW)
    assert rehearsal.checks.get(device__name="T01").ready is False


def test_hostile_text_is_kept_within_bounds() -> None:
    rehearsal = opened()
    loud = protocol.Finding("c" * 999, "m\0" * 9999, "r\ud800")
    lifecycle.take([answer(rehearsal, "T01", "ask", {"n": float("nan"), "t": "\0"}, loud)], NOW)
    seat = rehearsal.checks.get(device__name="T01")
    assert seat.facts == {"n": None, "t": "?"}
    assert len(seat.finding["code"]) == 64
    assert len(seat.finding["message"]) == sanitize.MAX_TEXT


def test_what_is_nested_beyond_reason_is_cut_and_harms_nobody() -> None:
    rehearsal = opened()
    deep: Any = {}
    for _ in range(5000):
        deep = {"x": deep}
    lifecycle.take([answer(rehearsal, "T01", "ask", deep), answer(rehearsal, "T02", "ask", {"cold_ms": 1})], NOW)
    assert rehearsal.checks.get(device__name="T02").facts == {"cold_ms": 1}
    assert rehearsal.checks.get(device__name="T01").ready


def test_what_the_broker_forgot_is_found_and_written_once() -> None:
    club, *_ = make_club(2)
    rehearsal, _ = lifecycle.start(make_user(), club.pk, "", NOW)
    assert schedule.tick(NOW).rehearse == {rehearsal.pk}
    assert len(probes.write(rehearsal.pk, NOW).notify) == 1
    assert not probes.write(rehearsal.pk, NOW).notify
    assert not schedule.tick(NOW).rehearse


def test_what_was_sent_is_sent_again_only_on_a_new_connection() -> None:
    rehearsal = opened(2)
    agents = {seat.agent_id for seat in rehearsal.checks.all() if seat.agent_id}
    asked = lifecycle.waiting(agents, NOW, unsent_only=True)
    assert {seat.action for seat in asked} == {"ask"}
    lifecycle.mark_sent([seat.pk for seat in asked], NOW)
    assert not lifecycle.waiting(agents, NOW, unsent_only=True)
    assert len(lifecycle.waiting(agents, NOW, unsent_only=False)) == 2
    assert not lifecycle.waiting(agents, NOW + probes.LIFE + S, unsent_only=False)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, None])
def test_only_an_admin_starts_one(role: Role | None) -> None:
    club, *_ = make_club(1)
    with pytest.raises(Forbidden):
        lifecycle.start(make_user(role=role), club.pk, "", NOW)


def test_every_reason_why_it_cannot_be_now_is_said() -> None:
    admin = make_user()
    with pytest.raises(NotFound):
        lifecycle.start(admin, 999_999, "", NOW)
    with pytest.raises(Conflict, match="no server"):
        lifecycle.start(admin, make_site().pk, "", NOW)
    club, server, _ = make_club(1)
    with pytest.raises(Invalid, match="certificate store"):
        lifecycle.start(admin, club.pk, "CD" * 20, NOW)
    cutover = make_cutover(club, state="switching")
    with pytest.raises(Conflict, match="is switching"):
        lifecycle.start(admin, club.pk, "", NOW)
    cutover.delete()
    make_cutover(club, state="scheduled")  # days before the night is when one rehearses
    lifecycle.start(admin, club.pk, "ab" * 20, NOW)
    with pytest.raises(Conflict, match="is running"):
        lifecycle.start(admin, club.pk, "", NOW)
    Rehearsal.objects.all().delete()
    for changes, why in (({"scheme": "https"}, "HTTPS already"), ({"scheme": "http", "facts": {}}, "no certificate")):
        type(server).objects.filter(pk=server.pk).update(**changes)
        with pytest.raises(Conflict, match=why):
            lifecycle.start(admin, club.pk, "", NOW)
    server.agent.connected = False
    server.agent.save()
    with pytest.raises(Conflict, match="not in contact"):
        lifecycle.start(admin, club.pk, "", NOW)
    server.agent.delete()
    with pytest.raises(Conflict, match="no agent"):
        lifecycle.start(admin, club.pk, "", NOW)


def test_the_schedule_begins_one_when_it_is_due() -> None:
    club, server, _ = make_club(1, rehearse_every_hours=24)
    make_club(1)  # no schedule
    schedule.tick(NOW)
    only = Rehearsal.objects.get()
    assert (only.site, only.requested_by) == (club, None)
    Rehearsal.objects.update(state="done", finished_at=NOW)
    schedule.tick(NOW + dt.timedelta(hours=23))
    assert Rehearsal.objects.count() == 1
    server.facts = {"certificates": [certificate(has_key=False)]}
    server.save()
    schedule.tick(NOW + dt.timedelta(hours=25))
    assert Rehearsal.objects.count() == 1  # nothing to rehearse with
    server.facts = {"certificates": [certificate()]}
    server.save()
    schedule.tick(NOW + dt.timedelta(hours=25))
    assert Rehearsal.objects.count() == 2


def completed(to: str = "https", ended_s: int = 60, rehearsed: bool = True, **changes: Any) -> Any:
    club, *_ = make_club(2)
    if rehearsed:
        Rehearsal.objects.create(site=club, thumbprint="AB" * 20, state="done", deadline_at=NOW, finished_at=NOW)
    club.devices.update(scheme=to)
    values = {"state": "completed", "to_scheme": to, "ended_at": NOW - ended_s * S, "certificate_thumbprint": "AB" * 20}
    return make_cutover(club, **values | changes)


def test_after_a_cutover_the_terminals_are_asked_once_what_it_became() -> None:
    cutover = completed()
    (key,) = schedule.tick(NOW).rehearse
    measured = Rehearsal.objects.get(pk=key)
    assert (measured.after, measured.state) == (cutover, "asking")
    probes.write(key, NOW)
    told = bodies(measured)
    assert set(told) == {"T01", "T02"}
    assert (told["T01"].action, told["T01"].port, told["T01"].shadow_port) == ("ask", 10101, 0)
    lifecycle.take([answer(measured, name, "ask") for name in ("T01", "T02")], NOW)
    measured.refresh_from_db()
    assert measured.state == "done"
    assert not schedule.tick(NOW).rehearse  # neither a listener to close nor a second measuring


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "http"}, {"ended_s": 1}, {"ended_s": 7200}, {"rehearsed": False}, {"state": "rolled_back"},
    ],
)  # fmt: skip
def test_other_cutovers_are_not_measured(changes: Any) -> None:
    completed(**changes)
    assert not schedule.tick(NOW).rehearse


def test_old_ones_are_dropped() -> None:
    club, *_ = make_club(1)
    admin = make_user()
    for _ in range(lifecycle.KEPT + 2):
        lifecycle.start(admin, club.pk, "", NOW)
        Rehearsal.objects.update(state="done", finished_at=NOW)
    assert club.rehearsals.count() == lifecycle.KEPT


def test_a_rehearsal_moves_only_as_its_table_allows_and_only_from_where_it_is() -> None:
    rehearsal = begun()
    with pytest.raises(states.IllegalMove, match="opening cannot become done"):
        lifecycle._move(rehearsal, states.Rehearsal.DONE)
    Rehearsal.objects.filter(pk=rehearsal.pk).update(state="failed")
    with pytest.raises(StaleState):
        lifecycle._move(rehearsal, states.Rehearsal.ASKING)
    rehearsal.refresh_from_db()
    assert rehearsal.state == "failed"
