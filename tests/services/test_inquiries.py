"""Inquiries from the dashboard's side: who may ask whom, what an agent is told, and what becomes of every kind of answer."""

import datetime as dt
from typing import Any

import pytest

from agents import protocol
from agents.probes import inquiry as orders
from agents.probes import validator
from agents.protocol import Inquired
from fleet.models import Agent, Event, Inquiry, Role, Site
from fleet.services import sanitize
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from fleet.services.probes import inquiries, signing, versions
from fleet.services.probes.inquiries import Wanted
from tests.factories import NOW, make_club, make_cutover, make_device, make_site, make_user
from tests.probes.samples import REST, SOAP

pytestmark = pytest.mark.django_db
S = dt.timedelta(seconds=1)
FINDING = protocol.Finding("busy", "a cutover is in progress", "Wait.")
FOUND = {"found": [
    {"field": "service", "value": "NetPOS", "reason": "r", "state": "new"},
    {"field": "monitor", "value": "Other", "reason": "r", "state": "fixed"},
    {"field": "port", "value": "10101", "reason": "r", "state": "told"},
]}  # fmt: skip


def begin(site: Site, name: str, action: str = "record", **more: Any) -> Inquiry:
    """An inquiry that a worker has written."""
    device = site.devices.get(name=name)
    inquiry, after = inquiries.start(make_user(), site.pk, Wanted(action, device.pk, **more), NOW)
    assert after.inquire == {inquiry.pk}
    assert signing.write(inquiry.pk, NOW).notify == {device.agent.pk}
    inquiry.refresh_from_db()
    return inquiry


def told(inquiry: Inquiry) -> orders.Inquiry:
    return orders.parse(inquiry.body)


def say(inquiry: Inquiry, n: int, facts: Any = None, *, at: dt.datetime = NOW + S, agent: str = "", **more: Any) -> Inquiry:
    """Take this answer; the inquiry afterwards."""
    answer = Inquired(inquiry.pk, more.pop("action", inquiry.action), n, {} if facts is None else facts, **more)
    inquiries.take([(agent or inquiry.agent_id, answer)], at)
    inquiry.refresh_from_db()
    return inquiry


# --- asking -------------------------------------------------------------------------------------------


def test_a_recording_is_asked_for_with_what_it_needs() -> None:
    club, *_ = make_club(member="1001")
    inquiry = begin(club, "T02", seconds=90)
    order = told(inquiry)
    assert (order.action, order.seconds, order.member, order.terminal) == ("record", 90, "1001", "T02")
    assert inquiry.agent_id == order.agent
    ends = NOW + inquiries.LIFE + 90 * S
    assert order.expires_ms == round(ends.timestamp() * 1000)
    assert inquiry.expires_at == ends + inquiries.GRACE, "the agent ends first"


def test_the_server_listens_for_a_terminal() -> None:
    club, server, (till, *_) = make_club()
    assert told(begin(club, server.name, terminal_id=till.pk)).terminal == "T01"


def test_a_check_asks_by_the_profile_in_use_and_by_one_that_was_pasted() -> None:
    club, *_ = make_club()
    versions.save(make_user(), club.pk, REST.decode(), NOW)
    order = told(begin(club, "T01", "check", texts=[REST.decode(), SOAP.decode()]))
    parsed = [validator.parse(text.encode()).profile for text in order.probes]
    assert parsed == [validator.parse(REST).profile, validator.parse(SOAP).profile]
    assert Inquiry.objects.get().probes == [
        {"number": 1, "text": REST.decode()}, {"number": None, "text": SOAP.decode()},
    ]  # fmt: skip


def test_without_a_profile_a_check_is_a_transport_proof() -> None:
    club, *_ = make_club()
    assert told(begin(club, "T01", "check")).probes == ("",)


def test_who_may_ask_and_what_is_refused() -> None:
    club, server, (till, other, silent) = make_club()
    user = make_user()

    def start(action: str = "record", device: Any = till, **more: Any) -> Any:
        return inquiries.start(more.pop("by", user), more.pop("site", club.pk), Wanted(action, device.pk, **more), NOW)

    for role in (Role.APPROVER, Role.AUDITOR, None):
        with pytest.raises(Forbidden):
            start(by=make_user(role=role))
    with pytest.raises(NotFound):
        start(site=9999)
    for wrong, field in (
        ({"device": make_device(make_site())}, "device"), ({"seconds": 9}, "seconds"), ({"seconds": 601}, "seconds"),
        ({"action": "run"}, "action"), ({"action": "check", "texts": []}, "probe"),
        ({"action": "check", "texts": ["[member]"]}, "probe"), ({"terminal_id": other.pk}, "terminal"),
        ({"device": server, "terminal_id": server.pk}, "terminal"), ({"action": "adopt"}, "settings"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            start(**wrong)
        assert {name for name, _ in caught.value.errors} == {field}
    Agent.objects.filter(device=silent).update(connected=False)
    with pytest.raises(Conflict, match="not in contact"):
        start(device=silent)
    with pytest.raises(Conflict, match="no agent"):
        start(device=make_device(club, agent=False))
    with pytest.raises(Conflict, match="HTTPS"):
        start(device=make_device(club, scheme="https"))
    assert not Inquiry.objects.exists()


def test_every_mistake_in_a_profile_is_told() -> None:
    club, _, (till, *_) = make_club()
    with pytest.raises(Invalid) as caught:
        inquiries.start(make_user(), club.pk, Wanted("check", till.pk, texts=["[member]\nmethod='X'"]), NOW)
    assert len(caught.value.errors) > 3


def test_a_device_is_asked_one_thing_at_a_time() -> None:
    club, _, (till, *_) = make_club()
    inquiry = begin(club, "T01")
    begin(club, "T02")
    with pytest.raises(Conflict, match="T01 is being asked already"):
        inquiries.start(make_user(), club.pk, Wanted("find", till.pk), NOW)
    say(inquiry, 1, done=True)
    begin(club, "T01", "find")


def test_a_cutover_comes_first() -> None:
    club, _, (till, *_) = make_club()
    cutover = make_cutover(club, state="switching")
    with pytest.raises(Conflict, match=f"cutover {cutover.pk} of this site is switching"):
        inquiries.start(make_user(), club.pk, Wanted("find", till.pk), NOW)


def test_only_the_newest_are_kept() -> None:
    club, *_ = make_club()
    for number in range(inquiries.KEPT + 3):
        say(begin(club, "T01", "find"), number + 1, FOUND)
    assert club.inquiries.count() == inquiries.KEPT + 1  # the newest had not ended when the oldest went


# --- sending ------------------------------------------------------------------------------------------


def test_an_inquiry_is_delivered_until_it_is_begun_and_again_for_its_stop() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    agent = inquiry.agent_id

    def waits(*, again: bool) -> bool:
        return bool(inquiries.waiting([agent], NOW, unsent_only=not again))

    assert waits(again=False)
    inquiries.mark_sent([inquiry.pk], NOW)
    assert (waits(again=False), waits(again=True)) == (False, True)
    say(inquiry, 1, {"port": 40000}, done=False)
    assert not waits(again=True), "an agent that was started again must not begin another recording"
    assert inquiries.stop(make_user(), inquiry.pk, NOW).inquire == {inquiry.pk}
    signing.write(inquiry.pk, NOW)
    inquiry.refresh_from_db()
    assert (told(inquiry).action, told(inquiry).inquiry) == ("stop", inquiry.pk)
    assert (waits(again=False), waits(again=True)) == (True, True)
    assert inquiries.stop(make_user(), inquiry.pk, NOW).inquire == set(), "once is enough"
    assert not inquiries.waiting([agent], inquiry.expires_at, unsent_only=True)


def test_an_agent_that_does_not_know_the_message_is_not_sent_it_for_ever() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    for _ in range(inquiries.MOST_SENDS):
        assert inquiries.waiting([inquiry.agent_id], NOW, unsent_only=False)
        inquiries.mark_sent([inquiry.pk], NOW)
    assert not inquiries.waiting([inquiry.agent_id], NOW, unsent_only=False)
    inquiries.stop(make_user(), inquiry.pk, NOW)
    signing.write(inquiry.pk, NOW)
    assert inquiries.waiting([inquiry.agent_id], NOW, unsent_only=True)


def test_what_a_worker_lost_is_found_again_and_written_once() -> None:
    club, _, (till, *_) = make_club()
    inquiry, _ = inquiries.start(make_user(), club.pk, Wanted("find", till.pk), NOW)
    assert inquiries.tick(NOW + S).inquire == {inquiry.pk}
    signing.write(inquiry.pk, NOW + S)
    assert inquiries.tick(NOW + S).inquire == set()
    assert signing.write(inquiry.pk, NOW + S).notify == set()


def test_only_a_recording_is_stopped_and_only_by_an_admin() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01", "find")
    with pytest.raises(Conflict):
        inquiries.stop(make_user(), inquiry.pk, NOW)
    with pytest.raises(Forbidden):
        inquiries.stop(make_user(role=Role.APPROVER), inquiry.pk, NOW)
    with pytest.raises(NotFound):
        inquiries.stop(make_user(), 9999, NOW)


# --- answers ------------------------------------------------------------------------------------------


def test_a_recording_tells_what_it_has_and_ends() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    say(inquiry, 1, {"port": 40000, "count": 0}, done=False)
    assert (inquiry.recorded.port, inquiry.ended_at, inquiry.answered_at) == (40000, None, NOW + S)
    say(inquiry, 2, {"port": 40000, "count": 3, "proposal": {"text": REST.decode()}}, at=NOW + 2 * S)
    assert (inquiry.recorded.seen, inquiry.ended_at) == (3, NOW + 2 * S)
    assert inquiry.recorded.proposal.text == REST.decode()


def test_a_doubled_an_older_and_a_late_answer_change_nothing() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    say(inquiry, 3, {"count": 3}, done=False)
    say(inquiry, 3, {"count": 99}, done=False)
    say(inquiry, 2, {"count": 2}, done=True)
    assert (inquiry.recorded.seen, inquiry.ended_at) == (3, None)
    say(inquiry, 9, {"count": 9}, at=inquiry.expires_at)
    assert inquiry.recorded.seen == 3, "its time was over"
    say(inquiry, 4, {"count": 4})
    say(inquiry, 5, {"count": 5}, at=NOW + 9 * S)
    assert (inquiry.recorded.seen, inquiry.ended_at) == (4, NOW + S)


def test_nobody_answers_for_another_or_what_was_not_asked() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    other = begin(club, "T02")
    say(inquiry, 1, {"count": 1}, agent=other.agent_id)
    say(inquiry, 1, {"count": 1}, action="find")
    say(inquiry, 1, {}, action="stop", finding=FINDING)
    assert (inquiry.heard, inquiry.ended_at) == (0, None)
    Agent.objects.filter(pk=inquiry.agent_id).update(revoked_at=NOW)
    say(inquiry, 1, {"count": 1})
    assert inquiry.heard == 0
    inquiries.take([(other.agent_id, Inquired(9999, "record", 1, {}))], NOW)


@pytest.mark.parametrize("action", ["check", "find", "adopt"])
def test_only_a_recording_may_answer_more_than_once(action: str) -> None:
    club, *_ = make_club()
    say(begin(club, "T01", "find"), 1, FOUND)
    more = {"settings": [("service", "NetPOS")]} if action == "adopt" else {}
    inquiry = begin(club, "T01", action, **more)
    assert say(inquiry, 1, {}, done=False).ended_at == NOW + S


def test_an_agent_that_was_started_again_ends_a_recording_that_is_stopped() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01")
    say(inquiry, 7, {"count": 7}, done=False)
    inquiries.stop(make_user(), inquiry.pk, NOW)
    say(inquiry, 1, {}, action="stop", finding=protocol.Finding("not_running", "m", "r"))
    assert (inquiry.finding["code"], inquiry.ended_at, inquiry.recorded.seen) == ("not_running", NOW + S, 7)


STRANGE: list[Any] = [
    {"found": 5}, {"found": [5, {"field": 7}, {"field": "service", "value": "a\u202eb", "state": "new"}]},
    {"asked": [{"requests": [{"status": 10**400, "error": 5, "ms": "x"}]}]}, {"asked": {"a": 1}},
    {"exchanges": [[]], "port": -1, "count": True, "ends_ms": 10**30, "proposal": []},
    {"proposal": {"text": 5, "reasons": ["x"], "missing": [None]}}, {"proposal": {"text": "x" * 20_000}},
    {"\0": "a\0b", "deep": [[[[[[[[[[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]]]]]]]]]}, {"n": float("nan")},
]  # fmt: skip


@pytest.mark.parametrize("facts", STRANGE, ids=lambda facts: str(facts)[:40])
def test_whatever_an_agent_tells_is_stored_and_read(facts: Any) -> None:
    club, *_ = make_club()
    inquiry = say(begin(club, "T01"), 1, facts)
    assert inquiry.ended_at is not None
    assert all(0 <= len(one.value) <= 1000 for one in inquiry.found)
    assert [request.good for asked in inquiry.checked for request in asked.requests] in ([], [False])
    recorded = inquiry.recorded
    assert (recorded.port, recorded.seen) == (None, 0)
    assert recorded.proposal is None or recorded.proposal.text == ""


def test_an_answer_that_is_too_large_is_dropped() -> None:
    club, *_ = make_club()
    inquiry = say(begin(club, "T01"), 1, {"x": "y" * sanitize.MAX_FACTS_BYTES})
    assert inquiry.heard == 0


def test_an_inquiry_without_an_answer_ends() -> None:
    club, *_ = make_club()
    inquiry = begin(club, "T01", "find")
    inquiries.tick(inquiry.expires_at - S)
    assert not Inquiry.objects.get().ended_at
    inquiries.tick(inquiry.expires_at)
    assert Inquiry.objects.get().finding["code"] == "no_answer"
    inquiry = begin(club, "T01", "find")
    inquiries.tick(NOW - inquiries.LONGEST - S)  # the clock was set back
    inquiry.refresh_from_db()
    assert inquiry.ended_at is not None


# --- confirming ---------------------------------------------------------------------------------------


def test_what_was_found_is_confirmed_by_a_person_and_noted() -> None:
    club, *_ = make_club()
    say(begin(club, "T01", "find"), 1, FOUND)
    order = told(begin(club, "T01", "adopt", settings=[("service", "NetPOS")]))
    assert [(one.field, one.value) for one in order.adopt] == [("service", "NetPOS")]
    event = Event.objects.get(code="settings_confirmed")
    assert (event.device_name, event.text) == ("T01", "confirmed for its agent: service = NetPOS")


@pytest.mark.parametrize(
    "settings",
    [
        [("service", "Spooler")], [("monitor", "Other")], [("port", "10101")], [("gateway", "wss://elsewhere")], [],
        [("service", "NetPOS"), ("service", "NetPOS")],
    ],
)  # fmt: skip
def test_nothing_else_can_be_confirmed(settings: Any) -> None:
    club, *_ = make_club()
    say(begin(club, "T01", "find"), 1, FOUND)
    with pytest.raises(Invalid, match="settings"):
        begin(club, "T01", "adopt", settings=settings)
    with pytest.raises(Invalid, match="settings"):
        begin(club, "T02", "adopt", settings=[("service", "NetPOS")])  # another device has found it
