"""POST /cutovers/{id}/{verb}: what the services decide reaches the caller, and the work is handed on."""

from typing import Any

import pytest

from fleet.api import responses, verbs
from fleet.models import Cutover, Role
from fleet.services.after_commit import AfterCommit
from fleet.services.cutovers.actions import VERBS
from tests.api.conftest import Api
from tests.factories import make_club, make_cutover, make_user


@pytest.fixture(autouse=True)
def followed(monkeypatch: pytest.MonkeyPatch) -> list[AfterCommit]:
    """What was handed on, instead of a broker."""
    handed_on: list[AfterCommit] = []
    monkeypatch.setattr(verbs, "follow", handed_on.append)
    return handed_on


def test_a_cutover_is_started_in_two_requests(api: Api, club: Any, followed: list[AfterCommit]) -> None:
    made = api("POST", "/cutovers", {"site": club[0].pk}).json()
    answer = api("POST", f"/cutovers/{made['id']}/start", {})
    assert answer.status_code == 202
    started = answer.json()
    responses.CutoverWithRuns.model_validate(started)
    assert started["state"] not in ("draft", "submitted")
    assert len(started["device_runs"]) == 4
    assert started["approved_by"] == "ada"
    assert made["id"] in followed[0].changed


def test_a_second_start_is_409_of_the_same_or_another_one(api: Api, club: Any) -> None:
    first, second = (api("POST", "/cutovers", {"site": club[0].pk}).json()["id"] for _ in range(2))
    assert api("POST", f"/cutovers/{first}/start").status_code == 202
    assert api("POST", f"/cutovers/{first}/start").status_code == 409
    answer = api("POST", f"/cutovers/{second}/start", {})
    assert answer.status_code == 409
    assert str(first) in answer.json()["detail"]


@pytest.mark.parametrize("verb", ["pause", "resume", "retry_failed", "approve", "roll_back"])
def test_a_draft_cannot_be_so_treated_and_says_why(api: Api, club: Any, verb: str) -> None:
    draft = make_cutover(club[0])
    answer = api("POST", f"/cutovers/{draft.pk}/{verb}", {})
    assert answer.status_code == 409
    assert "draft" in answer.json()["detail"]


def test_two_persons(api: Api, approver: Api) -> None:
    site, _, _ = make_club(two_persons=True)
    made = api("POST", "/cutovers", {"site": site.pk}).json()["id"]
    assert api("POST", f"/cutovers/{made}/start").status_code == 403
    assert api("POST", f"/cutovers/{made}/submit").json()["state"] == "submitted"
    assert api("POST", f"/cutovers/{made}/approve").status_code == 403
    assert approver("POST", f"/cutovers/{made}/start").status_code == 403
    approved = approver("POST", f"/cutovers/{made}/approve")
    assert approved.status_code == 202
    assert (approved.json()["requested_by"], approved.json()["approved_by"]) == ("ada", "ben")


def test_cancel_is_final(api: Api, club: Any) -> None:
    draft = make_cutover(club[0])
    assert api("POST", f"/cutovers/{draft.pk}/cancel").json()["state"] == "cancelled"
    assert api("POST", f"/cutovers/{draft.pk}/cancel").status_code == 409
    assert Cutover.objects.get().state == "cancelled"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_path(api: Api, verb: str) -> None:
    assert api("POST", f"/cutovers/987654321/{verb}", {}).status_code == 404
    assert api("GET", f"/cutovers/987654321/{verb}").status_code == 405


def test_another_admin_may_approve(api: Api) -> None:
    site, _, _ = make_club(two_persons=True)
    made = api("POST", "/cutovers", {"site": site.pk}).json()["id"]
    api("POST", f"/cutovers/{made}/submit")
    assert Api(make_user("dora", Role.ADMIN))("POST", f"/cutovers/{made}/approve").status_code == 202
