"""Readiness of a site from its rows."""

import pytest

from fleet.models import Agent, Rehearsal
from fleet.services import readiness
from tests.factories import NOW, make_cutover, make_device, make_site
from tests.preflight.site import THUMBPRINT
from tests.rehearsed import HOUR, make_rehearsed

pytestmark = pytest.mark.django_db


def codes(found):
    return [(one.code, one.device) for one in found.of("error", "warning")]


def test_a_rehearsed_site_in_order_is_ready():
    club, _ = make_rehearsed()
    found = readiness.assess_site(club, NOW)
    assert (found.verdict, codes(found)) == ("ready", [])


def test_the_number_of_queries_does_not_grow_with_the_site(django_assert_num_queries):
    for size in (1, 40):
        club, _ = make_rehearsed(size)
        with django_assert_num_queries(5):
            readiness.assess_site(club, NOW)


def test_only_a_rehearsal_that_came_to_an_end_counts():
    club, rehearsal = make_rehearsed()
    Rehearsal.objects.create(site=club, thumbprint=rehearsal.thumbprint, state="asking", deadline_at=NOW)
    assert readiness.assess_site(club, NOW).verdict == "ready"
    Rehearsal.objects.filter(state="asking").update(state="failed", finding={"code": "busy", "message": "no", "remedy": ""})
    assert readiness.assess_site(club, NOW).verdict == "warnings"
    Rehearsal.objects.all().update(state="failed", finding=None)
    found = readiness.assess_site(club, NOW)
    assert (found.verdict, codes(found)) == ("blocked", [("rehearsal_failed", None), ("never_rehearsed", None)])


def test_a_silent_seat_and_a_finding_block():
    club, rehearsal = make_rehearsed()
    rehearsal.checks.filter(device__name="T000").update(answered_at=None, facts={})
    rehearsal.checks.filter(device__name="T001").update(finding={"code": "timeout", "message": "m", "remedy": "r"})
    assert codes(readiness.assess_site(club, NOW)) == [("seat_no_answer", "T000"), ("timeout", "T001")]


def test_the_newest_plan_that_has_not_begun_decides_what_is_asked():
    club, _ = make_rehearsed()
    make_cutover(club, exclude=["T000"], starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    make_cutover(club, state="completed", exclude=["T001"])
    assert codes(readiness.assess_site(club, NOW)) == [("excluded", "T000")]


def test_a_revoked_agent_is_none():
    club, _ = make_rehearsed()
    agent = club.devices.get(name="T001").agent
    agent.revoked_at = NOW
    agent.save()
    assert codes(readiness.assess_site(club, NOW)) == [("no_agent", "T001")]


def refusal(plan, now=NOW, thumbprint=THUMBPRINT):
    """Why this plan may not be approved."""
    return readiness.why_not(plan, thumbprint, now)


class TestApproval:
    """Only a site that asks for rehearsals is kept from going on without one."""

    def test_without_a_policy_nothing_is_asked(self):
        club = make_site()
        make_device(club, "server")
        assert refusal(make_cutover(club)) is None

    def test_back_to_http_nothing_is_asked(self):
        club = make_site(rehearsal_hours=1)
        assert refusal(make_cutover(club, from_scheme="https", to_scheme="http")) is None

    def test_never_rehearsed(self):
        club = make_site(rehearsal_hours=24)
        make_device(club, "server")
        assert "no terminal has tried" in refusal(make_cutover(club))

    def test_too_old(self):
        club, _ = make_rehearsed(rehearsal_hours=24)
        plan = make_cutover(club)
        assert refusal(plan, NOW + 23 * HOUR) is None
        assert "this site allows 24" in refusal(plan, NOW + 24 * HOUR)

    def test_a_bad_seat_unless_it_is_excluded_by_name(self):
        club, rehearsal = make_rehearsed(rehearsal_hours=24)
        rehearsal.checks.filter(device__name="T001").update(finding={"code": "timeout", "message": "m", "remedy": "r"})
        assert "T001: m" in refusal(make_cutover(club))
        assert refusal(make_cutover(club, exclude=["T001"])) is None

    def test_another_certificate_than_the_rehearsed(self):
        club, _ = make_rehearsed(rehearsal_hours=24)
        assert "would bind CDCD" in refusal(make_cutover(club), thumbprint="CD" * 20)

    def test_many_reasons_are_counted(self):
        club, rehearsal = make_rehearsed(9, rehearsal_hours=24)
        rehearsal.checks.update(answered_at=None)
        assert "and 4 more" in refusal(make_cutover(club))


@pytest.mark.parametrize(("kept", "code"), [("instructions_refused", "instructions_refused"), ("name_differs", "agent_alarm")])
def test_an_alarm_of_an_agent_stands_in_the_way_unless_its_terminal_is_excluded(kept, code):
    club, _ = make_rehearsed(rehearsal_hours=72)
    till = club.devices.filter(kind="terminal").first()
    Agent.objects.filter(device=till).update(alarm={"code": kept, "message": "It knows another key.", "remedy": "Enrol it."})
    found = readiness.assess_site(club, NOW)
    assert (found.verdict, codes(found)) == ("blocked", [(code, till.name)])
    plan = make_cutover(club, certificate_thumbprint=THUMBPRINT)
    assert "It knows another key." in readiness.why_not(plan, THUMBPRINT, NOW)
    plan.exclude = [till.name]
    assert readiness.why_not(plan, THUMBPRINT, NOW) is None
