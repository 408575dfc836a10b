"""Tokens and roles."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from fleet.models import ApiToken
from fleet.services import tokens
from tests.api.conftest import Api, check_problem
from tests.factories import make_user

WRONG = ["", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \xe9\xff", "Bearer " + "a" * 4000, "Bearer \0", "tw_"]
GUARDED = [("GET", "/sites"), ("POST", "/cutovers"), ("GET", "/cutovers/1"), ("POST", "/cutovers/1/start")]


@pytest.mark.parametrize("header", WRONG, ids=lambda h: repr(h[:20]))
@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "/sites"), ("POST", "/cutovers"), ("GET", "/cutovers/1"), ("POST", "/cutovers/1/start")]
)
def test_a_wrong_token_is_401_and_says_what_to_send(api: Api, header: str, verb: str, path: str) -> None:
    answer = api(verb, path, Authorization=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_token_is_401(db: None) -> None:
    answer = Client().get("/api/v1/sites")
    check_problem(answer)
    assert answer.status_code == 401


def test_a_session_opens_nothing(db: None) -> None:
    client = Client()
    client.force_login(make_user())
    assert client.get("/api/v1/sites").status_code == 401


def test_a_part_of_a_token_or_more_than_it_is_wrong(api: Api) -> None:
    for token in [api.token[:-1], api.token + "x", api.token.upper(), " " + api.token]:
        assert api("GET", "/sites", Authorization=f"Bearer {token}").status_code == 401


def test_somebody_who_left_is_refused(api: Api) -> None:
    api.user.is_active = False
    api.user.save()
    assert api("GET", "/sites").status_code == 401


def test_somebody_without_a_role_may_nothing(db: None) -> None:
    assert Api(make_user(role=None))("GET", "/sites").status_code == 403


READS = ["/sites", "/servers", "/terminals", "/cutovers"]
WRITES = [("POST", "/cutovers"), ("PATCH", "/terminals/1")]
VERBS = ["submit", "approve", "start", "pause", "resume", "retry_failed", "roll_back", "cancel"]


@pytest.mark.parametrize("path", READS)
def test_every_role_may_look(api: Api, approver: Api, auditor: Api, path: str) -> None:
    assert {who("GET", path).status_code for who in (api, approver, auditor)} == {200}


@pytest.mark.parametrize(("verb", "path"), WRITES + [("POST", f"/cutovers/1/{v}") for v in VERBS])
def test_an_auditor_may_only_look(auditor: Api, verb: str, path: str) -> None:
    # The role comes first: nothing is said about the body, nor about whether the id exists.
    assert auditor(verb, path, raw=b"no json").status_code == 403


@pytest.mark.parametrize(("verb", "path"), WRITES + [("POST", f"/cutovers/1/{v}") for v in VERBS])
def test_an_approver_may_approve_and_nothing_else(approver: Api, verb: str, path: str) -> None:
    assert approver(verb, path, {}).status_code == (404 if path.endswith("approve") else 403)


def test_only_the_hash_is_kept(api: Api) -> None:
    row = ApiToken.objects.get()
    assert api.token.startswith("tw_")
    assert len(api.token) > 40
    assert api.token not in (row.digest, row.name)


def test_use_is_noted_at_most_once_a_minute(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    for seconds, noted in [(0, 0), (59, 0), (60, 60), (61, 60)]:
        monkeypatch.setattr("fleet.services.clock.now", lambda s=seconds: begun + dt.timedelta(seconds=s))
        assert tokens.find(api.token) == api.user
        assert ApiToken.objects.get().last_used_at == begun + dt.timedelta(seconds=noted)


def test_the_command_prints_a_token_that_works(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    make_user("ada")
    call_command("create_api_token", user="ada", name="nightly")
    out = capsys.readouterr().out
    assert tokens.find(out.strip()).username == "ada"
    assert out.count("\n") == 1


def test_the_command_refuses_whom_it_does_not_know(db: None) -> None:
    left = make_user("left")
    left.is_active = False
    left.save()
    for name, why in [("nobody", "no user"), ("left", "not active")]:
        with pytest.raises(CommandError, match=why):
            call_command("create_api_token", user=name)
