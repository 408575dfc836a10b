"""What is old is emptied; what is the record of what happened stays for good."""

import datetime as dt

import pytest

from fleet.models import Device, EnrolmentToken, Event, Inquiry, Rehearsal, StepRun, TerminalCheck, Transition
from fleet.services import pruning
from fleet.services.agents import admission
from tests.factories import NOW, make_club, make_cutover, make_run, make_step, make_transition, make_user

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=402)


@pytest.fixture
def past():
    site, _, (till,) = make_club(1)
    cutover = make_cutover(site, state="completed")
    run = make_run(cutover, till, "verified")
    make_step(run, "secured", evidence={"before": "False"})
    make_transition(cutover, "completed")
    rehearsal = Rehearsal.objects.create(
        site=site, thumbprint="AB" * 20, state="done", created_at=NOW, deadline_at=NOW, facts={"chain": "x"}
    )
    TerminalCheck.objects.create(rehearsal=rehearsal, device=till, facts={"dns_ms": 1}, answered_at=NOW)
    Inquiry.objects.create(
        site=site, device=till, action="find", requested_by=make_user(), created_at=NOW, expires_at=NOW, ended_at=NOW
    )
    Device.objects.update(facts={"os": "x"}, created_at=NOW)
    admission.new_token(till, NOW)
    return run


def left():
    return (
        StepRun.objects.exclude(evidence={}).count(), TerminalCheck.objects.exclude(facts={}).count(),
        Rehearsal.objects.exclude(facts={}).count(), Device.objects.exclude(facts={}).count(), EnrolmentToken.objects.count(),
    )  # fmt: skip


def test_before_its_time_nothing_goes(past):
    pruning.prune(NOW + dt.timedelta(days=399))
    assert left() == (1, 1, 1, 2, 1)


def test_what_is_old_is_emptied_and_its_rows_and_the_audit_stay(past):
    assert pruning.prune(LATER) == {"steps": 1, "checks": 1, "rehearsals": 1, "devices": 2, "inquiries": 1, "tokens": 1}
    assert left() == (0, 0, 0, 0, 0)
    assert (StepRun.objects.count(), TerminalCheck.objects.count(), Transition.objects.count(), Event.objects.count()) == (
        1,
        1,
        1,
        1,
    )
    assert set(pruning.prune(LATER).values()) == {0}


def test_a_device_that_is_still_heard_of_keeps_what_it_said(past):
    agent = past.device.agent
    agent.last_seen = LATER
    agent.save()
    pruning.prune(LATER)
    assert list(Device.objects.exclude(facts={})) == [past.device]


def test_what_may_still_go_on_keeps_its_evidence(past):
    past.cutover.state = "needs_person"
    past.cutover.save()
    pruning.prune(LATER)
    assert left()[0] == 1


def test_how_long_is_a_setting(past, settings):
    settings.KEEP_DAYS = 1
    pruning.prune(NOW + dt.timedelta(days=3))
    assert left() == (0, 0, 0, 0, 0)
