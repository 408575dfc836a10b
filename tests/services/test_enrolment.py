"""Letting a device in again: its history stays, what stood against it is over."""

import pytest

from fleet.models import Agent, Event, Instruction, Site
from fleet.services import alarms, keys, tokens
from fleet.services.agents import admission
from fleet.services.agents.rejected import AgentRejected
from fleet.services.cutovers import instructions, reports
from tests.factories import NOW, make_club, make_user
from tests.services.fleet_sim import SimFleet
from tests.services.proving import proof_of
from tests.services.test_agents import NONCE, Key
from tests.services.test_hub import report

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    return SimFleet.of(make_club(2)[0])


def enrol_again(device, name="T01"):
    key = Key()
    message = key.enrol(admission.new_token(device, NOW))
    return key, admission.enrol(
        message.__class__(message.token, message.public_key, message.role, name, message.signature), NONCE, NOW
    )


def test_row_history_and_signed_instructions_stay(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    device = fleet["T01"].device
    before, signed = device.agent, Instruction.objects.count()
    _, enrolled = enrol_again(device)
    after = Agent.objects.get(device=device)
    assert (enrolled.agent, after.pk, after.seq) == (before.pk, before.pk, Agent.objects.get(pk=before.pk).seq)
    assert after.seq > 0
    assert after.public_key != before.public_key
    assert Instruction.objects.count() == signed


def test_it_raises_no_alarm_about_the_database_whatever_journal_the_device_has(fleet):
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    device = fleet["T01"].device
    newest = Instruction.objects.filter(agent=device.agent).latest("seq")
    for proof in (None, proof_of(device.agent.pk, epoch=newest.epoch, seq=newest.seq), proof_of("before", epoch=99, seq=999)):
        key, enrolled = enrol_again(device)
        admission.recognise(key.hello(enrolled.agent, proof=proof), NONCE, NOW)
        assert Site.objects.get(pk=fleet.site.pk).warning is None


@pytest.mark.parametrize("first", [1, 501])
def test_reports_of_a_new_or_an_old_journal_are_taken(fleet, first):
    device = fleet["T01"].device
    Agent.objects.filter(device=device).update(acked=500)
    _, enrolled = enrol_again(device)
    assert reports.take([(enrolled.agent, report(first))], NOW)[1] == {enrolled.agent: first}


def test_revocation_and_alarms_are_over(fleet):
    device = fleet["T01"].device
    admission.revoke(make_user(), device.agent.pk, NOW)
    alarms.sound([device.agent.pk], admission.USED_TWICE, NOW)
    key, enrolled = enrol_again(device)
    assert admission.recognise(key.hello(enrolled.agent), NONCE, NOW).pk == device.agent.pk
    agent = Agent.objects.get(device=device)
    assert (agent.revoked_at, agent.alarm, agent.connected) == (None, None, True)


def test_the_old_key_is_worthless(fleet):
    device = fleet["T01"].device
    old, enrolled = enrol_again(device)
    enrol_again(device)
    with pytest.raises(AgentRejected) as caught:
        admission.recognise(old.hello(enrolled.agent), NONCE, NOW)
    assert caught.value.code == "bad_signature"


@pytest.mark.parametrize(("name", "called"), [("T01", ""), ("t01", ""), ("T02", "T02"), ("T01\n", "")])
def test_a_device_that_calls_itself_otherwise_is_shown_as_such(fleet, name, called):
    device = fleet["T01"].device
    enrol_again(device, name)
    assert Agent.objects.get(device=device).called == called
    assert ("reports the name" in Event.objects.filter(code="enrolled").latest("pk").text) == bool(called)


def test_one_key_is_one_devices(fleet):
    """Two tills that were made from one image, after its agent had made its key."""
    key = Key()
    first, second = fleet["T01"].device, fleet["T02"].device
    admission.enrol(key.enrol(admission.new_token(first, NOW)), NONCE, NOW)
    token = admission.new_token(second, NOW)
    with pytest.raises(AgentRejected) as caught:
        admission.enrol(key.enrol(token), NONCE, NOW)
    assert caught.value.code == "key_in_use"
    assert admission.enrol(Key().enrol(token), NONCE, NOW).agent == second.agent.pk


def test_nothing_is_written_for_who_is_shut_out(fleet):
    cutover = fleet.plan()
    Agent.objects.filter(device=fleet["T01"].device).update(quarantined_at=NOW)
    fleet.act(cutover, "start")
    fleet.tick()
    assert not Instruction.objects.filter(agent=fleet["T01"].device.agent).exists()
    assert not instructions.missing(cutover).filter(device=fleet["T01"].device).exists()


def test_tokens_are_of_letters_and_digits(fleet):
    device = fleet["T01"].device
    for _ in range(200):
        assert admission.new_token(device, NOW).isalnum()
    user = make_user()
    assert all(tokens.create(user).removeprefix("tw_").isalnum() for _ in range(50))


def test_who_was_let_in_given_a_token_and_shut_out_is_written_down(fleet):
    device, admin = fleet["T01"].device, make_user("ada")
    admission.new_token(device, NOW, actor="ada")
    enrol_again(device)
    admission.revoke(admin, device.agent.pk, NOW)
    rows = Event.objects.filter(device_name="T01").values_list("code", "actor")
    assert list(rows) == [("token_made", "ada"), ("token_made", "setup"), ("enrolled", "T01"), ("revoked", "ada")]


def test_a_guess_needs_no_key_and_no_lock(fleet, monkeypatch):
    monkeypatch.setattr(keys, "signing_public", lambda: pytest.fail("a guess is refused before that"))
    with pytest.raises(AgentRejected) as caught:
        admission.enrol(Key().enrol("guessed"), NONCE, NOW)
    assert caught.value.code == "bad_token"
