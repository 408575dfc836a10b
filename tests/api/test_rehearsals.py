"""Readiness and rehearsals for scripts."""

from typing import Any

import pytest

from fleet.api import responses
from fleet.models import Rehearsal
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_cutover, make_site
from tests.preflight.site import THUMBPRINT
from tests.rehearsed import HOUR, make_rehearsed


@pytest.fixture(autouse=True)
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Frozen time, and what was handed to the workers."""
    seen: list[Any] = []
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)
    monkeypatch.setattr("fleet.api.rehearsals.follow", seen.append)
    return seen


def test_readiness_is_as_documented(api: Api) -> None:
    site, rehearsal = make_rehearsed(4)
    rehearsal.checks.filter(device__name="T002").update(answered_at=None)
    body = api.get(f"/sites/{site.pk}/readiness")
    found = responses.Readiness.model_validate(body)
    assert (found.verdict, found.rehearsal, found.cutover) == ("blocked", rehearsal.pk, None)
    assert found.counts["error"] == 1
    first = found.items[0]
    assert (first.code, first.device, first.severity) == ("seat_no_answer", "T002", "error")
    assert len(found.items) == sum(found.counts.values())


def test_readiness_says_which_plan_it_was_asked_about(auditor: Api) -> None:
    site, _ = make_rehearsed(3)
    plan = make_cutover(site, exclude=["T001"], starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    body = auditor.get(f"/sites/{site.pk}/readiness")
    assert (body["cutover"], body["verdict"]) == (plan.pk, "warnings")


def test_a_rehearsal_begins_and_can_be_watched(api: Api, followed: list[Any]) -> None:
    site, _ = make_rehearsed(3)
    answer = api("POST", f"/sites/{site.pk}/rehearsals", {"certificate_thumbprint": THUMBPRINT.lower()})
    assert answer.status_code == 202
    begun = responses.Rehearsal.model_validate(answer.json())
    assert (begun.state, begun.thumbprint, begun.requested_by) == ("opening", THUMBPRINT, "ada")
    assert begun.counts == {"ready": 0, "not_ready": 0, "no_answer": 3}
    assert [after.rehearse for after in followed] == [{begun.id}]
    assert api.get(f"/rehearsals/{begun.id}") == answer.json()


@pytest.mark.parametrize("body", [{}, None])
def test_without_a_certificate_the_newest_is_taken(api: Api, body: Any) -> None:
    site, _ = make_rehearsed(1)
    answer = api("POST", f"/sites/{site.pk}/rehearsals", body)
    assert (answer.status_code, answer.json()["thumbprint"]) == (202, THUMBPRINT)


def test_seats_say_what_was_seen(auditor: Api) -> None:
    _, rehearsal = make_rehearsed(3)
    rehearsal.checks.filter(device__name="T001").update(finding={"code": "timeout", "message": "m", "remedy": "r"})
    rehearsal.checks.filter(device__name="T002").update(answered_at=None, facts={"cold_ms": "x", "tls": 7})
    found = responses.Rehearsal.model_validate(auditor.get(f"/rehearsals/{rehearsal.pk}"))
    assert [(check.device, check.ready) for check in found.seats] == [("T000", True), ("T001", False), ("T002", None)]
    assert found.seats[0].cold_ms == 60.0
    assert (found.seats[2].cold_ms, found.seats[2].tls) == (None, None)
    assert found.seats[1].finding is not None
    assert found.seats[1].finding.code == "timeout"


def test_one_at_a_time_and_not_during_a_cutover(api: Api, followed: list[Any]) -> None:
    site, _ = make_rehearsed(1)
    api("POST", f"/sites/{site.pk}/rehearsals")
    again = api("POST", f"/sites/{site.pk}/rehearsals")
    assert (again.status_code, len(followed)) == (409, 1)
    assert "is running" in again.json()["detail"]
    Rehearsal.objects.all().update(state="done")
    make_cutover(site, state="switching")
    busy = api("POST", f"/sites/{site.pk}/rehearsals")
    assert busy.status_code == 409
    assert "switching" in busy.json()["detail"]


def test_what_is_wrong_is_named(api: Api) -> None:
    site, _ = make_rehearsed(1)
    path = f"/sites/{site.pk}/rehearsals"
    assert fields(api("POST", path, {"certificate_thumbprint": "CD" * 20})) == ["certificate_thumbprint"]
    assert fields(api("POST", path, {"certificate_thumbprint": "00" * 19})) == ["certificate_thumbprint"]
    assert fields(api("POST", path, {"thumbprint": THUMBPRINT})) == ["thumbprint"]


def test_who_may(approver: Api, auditor: Api) -> None:
    site, _ = make_rehearsed(1)
    for caller in (approver, auditor):
        assert caller("POST", f"/sites/{site.pk}/rehearsals").status_code == 403
    assert Rehearsal.objects.count() == 1


def test_what_is_not_there_is_404(api: Api) -> None:
    assert api("GET", "/sites/999/readiness").status_code == 404
    assert api("GET", "/rehearsals/999").status_code == 404
    assert api("POST", "/sites/999/rehearsals").status_code == 404


def test_a_site_without_a_server_says_so(api: Api) -> None:
    site = make_site()
    assert next(item["code"] for item in api.get(f"/sites/{site.pk}/readiness")["items"]) == "no_server"
    assert api("POST", f"/sites/{site.pk}/rehearsals").status_code == 409


def test_a_site_s_rehearsals_are_listed_newest_first_and_tell_what_was_measured_after_a_cutover(auditor: Api) -> None:
    site, rehearsal = make_rehearsed(2)
    make_rehearsed(1)
    cutover = make_cutover(site, state="completed")
    later = Rehearsal.objects.create(site=site, after=cutover, thumbprint=THUMBPRINT, state="asking", deadline_at=NOW)
    found = responses.Rehearsals.model_validate(auditor.get(f"/sites/{site.pk}/rehearsals"))
    assert found.count == 2
    assert [(one.id, one.after) for one in found.items] == [(later.pk, cutover.pk), (rehearsal.pk, None)]
    assert found.items[1].counts == {"ready": 2, "not_ready": 0, "no_answer": 0}
    assert auditor("GET", "/sites/999999/rehearsals").status_code == 404
