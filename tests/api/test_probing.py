"""Probe profiles and inquiries for scripts."""

from typing import Any

import pytest

from agents.protocol import Inquired
from fleet.api import responses as shared
from fleet.api.probing import responses
from fleet.models import Inquiry, ProbeVersion
from fleet.services.probes import inquiries
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_club
from tests.probes.samples import REST, SOAP


@pytest.fixture(autouse=True)
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Frozen time, and what was handed to the workers."""
    seen: list[Any] = []
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)
    monkeypatch.setattr("fleet.api.probing.inquiries.follow", seen.append)
    return seen


# --- the profile --------------------------------------------------------------------------------------


def test_a_site_without_a_profile_uses_transport_proofs(auditor: Api, club: Any) -> None:
    found = auditor.get(f"/sites/{club[0].pk}/probe")
    responses.Probe.model_validate(found)
    assert found == {
        "proof": "transport", "version": None, "text": "", "source": None, "created_at": None, "warnings": [],
    }  # fmt: skip


def test_a_profile_is_put_read_and_removed(api: Api, club: Any) -> None:
    path = f"/sites/{club[0].pk}/probe"
    put = api("PUT", path, {"text": SOAP.decode()})
    assert put.status_code == 200
    responses.Probe.model_validate(put.json())
    assert put.json() == api.get(path)
    assert (put.json()["version"], put.json()["proof"], put.json()["text"]) == (1, "application", SOAP.decode())
    assert any("POST" in warning for warning in put.json()["warnings"])
    assert api("PUT", path, {"text": REST.decode()}).json()["version"] == 2
    gone = api("DELETE", path)
    assert (gone.status_code, gone.json()["proof"]) == (200, "transport")
    assert ProbeVersion.objects.count() == 3


def test_the_profiles_file_may_be_sent_as_it_is(api: Api, club: Any) -> None:

    def sent(raw: bytes) -> Any:
        path, token = f"/api/v1/sites/{club[0].pk}/probe", {"Authorization": f"Bearer {api.token}"}
        return api.client.put(path, raw, content_type="application/toml; charset=utf-8", headers=token)

    put = sent(SOAP)
    assert (put.status_code, put.json()["text"]) == (200, SOAP.decode())
    refused = sent(b"\xff")
    assert (refused.status_code, refused.json()["detail"]) == (400, "the body is not UTF-8")
    assert "text.interfaces" in fields(sent(b"[member]"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[", ["text"]),
        ("[member]\nmethod='X'\n", ["text.interfaces", "text.member.method", "text.member.path"]),
        (REST.decode().replace("/netpos/interfaces", "//evil/x"), ["text.interfaces.path"]),
        (REST.decode().replace("X-Terminal", "Host"), ["text.interfaces.headers.Host", "text.member.headers.Host"]),
        ("\ud800", ["text"]),
    ],
)
def test_every_mistake_has_an_error_of_its_own(api: Api, club: Any, text: str, named: list[str]) -> None:
    found = fields(api("PUT", f"/sites/{club[0].pk}/probe", {"text": text}))
    assert set(named) <= set(found)
    assert not ProbeVersion.objects.exists()


@pytest.mark.parametrize("body", [{}, {"text": 5}, {"text": None}, {"text": "", "more": 1}, {"probe": ""}])
def test_a_body_of_another_shape_is_refused(api: Api, club: Any, body: Any) -> None:
    assert fields(api("PUT", f"/sites/{club[0].pk}/probe", body))


def test_the_member_number_is_changed(api: Api, club: Any) -> None:
    answer = api("PATCH", f"/sites/{club[0].pk}", {"member": "T-1"})
    shared.Site.model_validate(answer.json())
    assert (answer.status_code, answer.json()["member"]) == (200, "T-1")
    assert api("PATCH", f"/sites/{club[0].pk}", {}).json()["member"] == "T-1"
    for bad in ("", "x" * 33, "a b", "a\0", 5, None, "\ud800"):
        assert fields(api("PATCH", f"/sites/{club[0].pk}", {"member": bad})) == ["member"]


def test_only_an_admin_changes_anything(approver: Api, auditor: Api, club: Any) -> None:
    site = f"/sites/{club[0].pk}"
    for caller in (approver, auditor):
        for verb, path, body in (
            ("PUT", f"{site}/probe", {"text": REST.decode()}), ("DELETE", f"{site}/probe", None),
            ("PATCH", site, {"member": "1"}), ("POST", f"{site}/inquiries", {"action": "find", "device": club[1].pk}),
            ("POST", "/inquiries/1/stop", None),
        ):  # fmt: skip
            assert caller(verb, path, body).status_code == 403


def test_what_does_not_exist(api: Api, db: None) -> None:
    for verb, path, body in (
        ("GET", "/sites/9/probe", None), ("PUT", "/sites/9/probe", {"text": REST.decode()}),
        ("DELETE", "/sites/9/probe", None),
        ("PATCH", "/sites/9", {"member": "1"}), ("POST", "/sites/9/inquiries", {"action": "find", "device": 1}),
        ("GET", "/inquiries/9", None), ("POST", "/inquiries/9/stop", None),
    ):  # fmt: skip
        assert api(verb, path, body).status_code == 404, path


# --- inquiries ----------------------------------------------------------------------------------------


def answer(number: int, facts: Any, *, n: int = 1, done: bool = True) -> None:
    inquiry = Inquiry.objects.get(pk=number)
    inquiries.take([(inquiry.agent_id or "", Inquired(number, inquiry.action, n, facts, done=done))], NOW)  # type: ignore[arg-type]


def ask(api: Api, site: Any, **body: Any) -> int:
    found = api("POST", f"/sites/{site.pk}/inquiries", body)
    assert found.status_code == 201, found.content
    responses.Inquiry.model_validate(found.json())
    return int(found.json()["id"])


def test_a_check_can_be_followed(api: Api, club: Any, followed: list[Any]) -> None:
    site, server, _ = club
    api("PUT", f"/sites/{site.pk}/probe", {"text": REST.decode()})
    number = ask(api, site, action="check", device=server.pk)
    assert [after.inquire for after in followed] == [{number}]
    request = {
        "section": "member", "error": None, "status": 200, "type": "application/json", "size": 3, "sha256": "a" * 64,
        "matched": True, "missed": None, "by_http_sys": False, "tls": None, "ms": 1.5, "content": "Ada Lovelace",
    }  # fmt: skip
    answer(number, {"asked": [{"proof": "application", "scheme": "http", "requests": [request]}]})
    found = api.get(f"/inquiries/{number}")
    responses.Inquiry.model_validate(found)
    (checked,) = found["checked"]
    assert (checked["version"], checked["proof"], checked["good"]) == (1, "application", True)
    assert checked["requests"][0]["status"] == 200
    assert "Ada" not in str(found)


def test_a_pasted_profile_is_checked_without_being_saved(api: Api, club: Any) -> None:
    number = ask(api, club[0], action="check", device=club[1].pk, probe=SOAP.decode())
    assert Inquiry.objects.get(pk=number).probes == [{"number": None, "text": SOAP.decode()}]
    assert not ProbeVersion.objects.exists()


def test_a_recording_is_stopped_and_used(api: Api, club: Any, followed: list[Any]) -> None:
    site, _, (till, *_) = club
    number = ask(api, site, action="record", device=till.pk, seconds=60)
    answer(number, {"port": 40000, "addresses": ["127.0.0.1"], "count": 0}, done=False)
    going = api.get(f"/inquiries/{number}")
    responses.Inquiry.model_validate(going)
    assert (going["done"], going["recorded"]["port"]) == (False, 40000)
    assert api("POST", f"/inquiries/{number}/stop").status_code == 202
    assert [after.inquire for after in followed] == [{number}, {number}]
    answer(number, {"port": 40000, "count": 3, "proposal": {"text": REST.decode(), "reasons": [], "missing": []}}, n=2)
    ended = api.get(f"/inquiries/{number}")
    responses.Inquiry.model_validate(ended)
    proposal = ended["recorded"]["proposal"]["text"]
    assert api("PUT", f"/sites/{site.pk}/probe", {"text": proposal}).status_code == 200


def test_what_was_found_is_confirmed(api: Api, club: Any) -> None:
    site, server, _ = club
    number = ask(api, site, action="find", device=server.pk)
    answer(number, {"found": [{"field": "service", "value": "NetPOS", "reason": "r", "state": "new"}]})
    (found,) = api.get(f"/inquiries/{number}")["found"]
    setting = {"field": found["field"], "value": found["value"]}
    ask(api, site, action="adopt", device=server.pk, settings=[setting])
    assert Inquiry.objects.get(action="adopt").confirmed == [setting]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "run"}, "action"), ({"device": "T01"}, "device"), ({"device": 999}, "device"),
        ({"seconds": 601}, "seconds"), ({"seconds": True}, "seconds"), ({"action": "check", "probe": "["}, "probe"),
        ({"action": "check", "probe": "[member]\nmethod='X'"}, "probe.member.method"),
        ({"action": "check", "probe": None}, "probe"),
        ({"terminal": 999}, "terminal"), ({"settings": [{"field": 1, "value": "x"}]}, "settings[0].field"),
        ({"action": "adopt", "settings": []}, "settings"), ({"host": "evil"}, "host"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(api: Api, club: Any, body: Any, field: str) -> None:
    good = {"action": "record", "device": club[2][0].pk}
    assert field in fields(api("POST", f"/sites/{club[0].pk}/inquiries", good | body))
    assert not Inquiry.objects.exists()


def test_a_device_that_is_being_asked_is_a_conflict(api: Api, db: None) -> None:
    site, server, _ = make_club(1)
    ask(api, site, action="find", device=server.pk)
    again = api("POST", f"/sites/{site.pk}/inquiries", {"action": "find", "device": server.pk})
    assert again.status_code == 409
    assert "is being asked already" in again.json()["detail"]
