"""Whatever goes wrong below /api/, the answer is a problem document; elsewhere nothing is touched."""

from typing import Any

import pytest
from django.http import HttpResponse, UnreadablePostError
from django.test import AsyncClient

from fleet.api.problems import ProblemMiddleware
from fleet.services.errors import Conflict, Forbidden, Invalid, NotFound
from tests.api.conftest import PROBLEM, Api, check_problem

ODD_IDS = [
    "987654321", "00000000-0000-4000-8000-000000000000", "abc", "9" * 30, "9" * 19, "9" * 5000, "%EF%BC%91", "%00", "-1", "0",
    "01", "..%2f..%2fsites", "1%27%20OR%201=1", "1.0", "%FF", "1%0A",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda odd: odd[:20])
def test_an_odd_id_is_404(api: Api, odd: str) -> None:
    for verb, path in [("GET", ""), ("GET", "/transitions"), ("POST", "/start"), ("POST", "/roll_back")]:
        assert api(verb, f"/cutovers/{odd}{path}").status_code == 404
    assert api("GET", f"/terminals/{odd}").status_code == 404
    assert api("PATCH", f"/terminals/{odd}", {}).status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/", "/cutovers/1/explode", "/sites/", "/cutovers/", "/sites/1/x"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_unknown_path_is_404(api: Api, verb: str, path: str) -> None:
    assert api(verb, path).status_code == 404


WRONG_VERBS = [
    ("PUT", "/cutovers/1", "GET"),
    ("DELETE", "/cutovers", "GET, POST"),
    ("GET", "/cutovers/1/start", "POST"),
    ("PATCH", "/sites", "GET"),
    ("POST", "/terminals", "GET"),
    ("DELETE", "/cutovers/1/roll_back", "POST"),
    ("BREW", "/sites", "GET"),
]


@pytest.mark.parametrize(("verb", "path", "allowed"), WRONG_VERBS)
def test_a_wrong_verb_is_405_and_says_which_are_right(api: Api, verb: str, path: str, allowed: str) -> None:
    answer = api(verb, path, {})
    assert answer.status_code == 405
    assert ", ".join(sorted(answer.headers["Allow"].split(", "))) == allowed
    assert allowed.split(", ")[0] in answer.json()["detail"]


REFUSALS = [
    (NotFound("there is no such cutover"), 404),
    (Forbidden("you may not"), 403),
    (Conflict("the cutover is draft"), 409),
    (Invalid(("waves[0].percent", "must be a whole number")), 422),
]


@pytest.mark.parametrize(("refusal", "status"), REFUSALS, ids=lambda v: str(v))
def test_a_refusal_of_a_service_keeps_its_words(
    api: Api, monkeypatch: pytest.MonkeyPatch, refusal: Exception, status: int
) -> None:
    _act_raises(monkeypatch, refusal)
    answer = api("POST", "/cutovers/1/start", {})
    assert answer.status_code == status
    assert str(refusal).split(": ")[-1] in answer.json()["detail"]


def test_our_own_mistake_is_500_with_a_reference_and_no_secret(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _act_raises(monkeypatch, RuntimeError("the password is 1234"))
    answer = api("POST", "/cutovers/1/start", {})
    assert answer.status_code == 500
    assert "1234" not in answer.content.decode()
    reference = answer.json()["detail"].rsplit(" ", 1)[1]
    record = next(r for r in caplog.records if reference in r.getMessage())
    assert record.exc_info


def test_a_mistake_while_the_token_is_looked_up_is_500_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet.services.tokens.find", lambda token: 1 / 0)
    assert api("GET", "/sites").status_code == 500


def test_a_body_that_breaks_off_is_400(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> bytes:
        raise UnreadablePostError("gone")

    monkeypatch.setattr("django.http.request.HttpRequest.body", property(broken))
    assert api("POST", "/cutovers", {}).status_code == 400


def test_djangos_own_errors_become_problems(api: Api) -> None:
    answer = api("GET", "/sites", Host="evil.example")
    assert answer.status_code == 400


def test_outside_of_the_version_it_is_a_problem_too(rf: Any) -> None:
    answer = ProblemMiddleware(lambda request: HttpResponse("<h1>Not found</h1>", status=404))(rf.get("/api/v2/sites"))
    assert answer.headers["Content-Type"] == PROBLEM


def test_djangos_own_500_becomes_a_problem(rf: Any) -> None:
    layer = ProblemMiddleware(lambda request: HttpResponse("<h1>Traceback</h1>", status=500))
    answer = layer(rf.get("/api/v1/sites"))
    assert answer.headers["Content-Type"] == PROBLEM
    assert b"Traceback" not in answer.content
    assert layer(rf.get("/fleet/")).content == b"<h1>Traceback</h1>"


async def test_the_same_holds_under_asgi() -> None:
    answer = await AsyncClient().get("/api/v1/nope")
    check_problem(answer)
    assert answer.status_code == 404


def test_answers_are_not_kept_by_caches(api: Api) -> None:
    assert api("GET", "/sites").headers["Cache-Control"] == "no-store"


def _act_raises(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def act(*args: Any) -> None:
        raise error

    monkeypatch.setattr("fleet.services.cutovers.actions.act", act)
