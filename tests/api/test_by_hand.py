"""What scripts, and the lab's person, say about terminals by hand."""

from typing import Any

import pytest

from fleet.api import responses
from fleet.cutover.states import Run
from fleet.models import DeviceRun
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_club, make_cutover, make_device, make_run


@pytest.fixture
def cutover(db: None) -> Any:
    """It is switching: T01 has an agent and is verified, K1 is done by hand and waits for a person."""
    site, server, (terminal,) = make_club(1)
    cutover = make_cutover(site, state="switching", started_at=NOW, last_answer_ms=round(NOW.timestamp() * 1000))
    make_run(cutover, server, "verified")
    make_run(cutover, terminal, "verified")
    kiosk = make_device(site, name="K1", agent=False)
    make_run(cutover, kiosk, "switching", by_hand=True, touched=True, proof="person", asked_action="switch", asked_epoch=1)
    return cutover


def post(api: Api, cutover: Any, **body: Any) -> Any:
    return api("POST", f"/cutovers/{cutover.pk}/by_hand", {"terminal": "K1", "result": "done"} | body)


def kiosk(shown: Any) -> Any:
    return next(run for run in shown["device_runs"] if run["device"] == "K1")


def test_a_waiting_terminal_is_shown_as_by_hand(api: Api, cutover: Any) -> None:
    shown = api.get(f"/cutovers/{cutover.pk}")
    responses.CutoverWithRuns.model_validate(shown)
    run = kiosk(shown)
    assert (run["by_hand"], run["proof"], run["answered_by"], run["answered_at"]) == (True, "person", None, None)


def test_done_verifies_it_and_says_who_and_when(api: Api, cutover: Any) -> None:
    answer = post(api, cutover, note="looked up 1001", scheme="https")
    assert answer.status_code == 200
    responses.CutoverWithRuns.model_validate(answer.json())
    run = kiosk(answer.json())
    assert (run["state"], run["proof"], run["answered_by"]) == ("verified", "person", "ada")
    assert run["answered_at"] is not None
    assert run["outage_ms"] is not None


def test_does_not_work_fails_with_the_note(approver: Api, cutover: Any) -> None:
    run = kiosk(post(approver, cutover, result="Does not work", note="no host").json())
    assert (run["state"], run["finding"]["code"], run["answered_by"]) == ("failed", "does_not_work", "ben")
    assert "no host" in run["finding"]["message"]


def test_who_may_answer(auditor: Api, cutover: Any) -> None:
    assert post(auditor, cutover).status_code == 403


def test_another_terminal_and_another_cutover_are_404(api: Api, cutover: Any) -> None:
    assert post(api, cutover, terminal="nobody").status_code == 404
    assert api("POST", "/cutovers/999/by_hand", {"terminal": "K1", "result": "done"}).status_code == 404
    assert api("POST", "/cutovers/x/by_hand", {"terminal": "K1", "result": "done"}).status_code == 404


def test_what_does_not_count_now_is_409_with_the_reason(api: Api, cutover: Any) -> None:
    refused = post(api, cutover, scheme="http")
    assert refused.status_code == 409
    assert "turned around: set it back to HTTPS" in refused.json()["detail"]
    refused = post(api, cutover, terminal="T01")
    assert refused.status_code == 409
    assert "not done by hand" in refused.json()["detail"]
    DeviceRun.objects.filter(by_hand=True).update(state=Run.ARMED)
    refused = post(api, cutover)
    assert refused.status_code == 409
    assert "not this terminal's turn" in refused.json()["detail"]


WRONG = [
    ({"result": "maybe"}, "result"),
    ({"result": True}, "result"),
    ({"terminal": 5}, "terminal"),
    ({"terminal": None}, "terminal"),
    ({"note": "x" * 201}, "note"),
    ({"note": "a\0"}, "note"),
    ({"note": None}, "note"),
    ({"note": "\ud800"}, "note"),
    ({"scheme": "ftp"}, "scheme"),
    ({"state": "verified"}, "state"),
]


@pytest.mark.parametrize(("body", "field"), WRONG, ids=lambda v: ascii(v)[:40])
def test_a_wrong_field_is_named(api: Api, cutover: Any, body: Any, field: str) -> None:
    assert fields(post(api, cutover, **body)) == [field]
    assert DeviceRun.objects.get(by_hand=True).state == "switching"


def test_a_required_field_is_named(api: Api, cutover: Any) -> None:
    assert fields(api("POST", f"/cutovers/{cutover.pk}/by_hand", {})) == ["terminal", "result"]


@pytest.mark.parametrize("minutes", [0, 241, True, "15", 1.5, None])
def test_the_plans_time_for_a_person_is_checked(api: Api, minutes: Any) -> None:
    site, _, _ = make_club(1)
    assert fields(api("POST", "/cutovers", {"site": site.pk, "by_hand_minutes": minutes})) == ["by_hand_minutes"]


def test_the_plans_time_for_a_person_is_kept(api: Api) -> None:
    site, _, _ = make_club(1)
    assert api("POST", "/cutovers", {"site": site.pk, "by_hand_minutes": 7}).json()["by_hand_minutes"] == 7
    assert api("POST", "/cutovers", {"site": site.pk}).json()["by_hand_minutes"] == 15
