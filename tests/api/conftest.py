"""A client that speaks the API, and what every answer is held against."""

import json
from typing import Any

import pytest
from django.test import Client

from fleet.models import Role
from fleet.services import tokens
from tests.factories import make_club, make_user

PROBLEM = "application/problem+json"


class Api:
    """A caller with one token. Every error has to be a problem document; every answer valid JSON."""

    def __init__(self, user: Any) -> None:
        self.user, self.client, self.token = user, Client(), tokens.create(user, "tests")

    def __call__(self, verb: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Any:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"} | headers
        answer = self.client.generic(verb, f"/api/v1{path}", data, "application/json", headers=headers)
        if answer.status_code >= 400:
            check_problem(answer)
        return answer

    def get(self, path: str) -> Any:
        """The JSON of a GET that has to succeed."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()


def check_problem(answer: Any) -> None:
    """A problem document with all that the contract asks for."""
    assert answer.headers["Content-Type"] == PROBLEM, answer.content
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in answer.content.decode()
    if answer.status_code == 422:
        assert body["errors"]
        assert all(e["field"] and e["message"] for e in body["errors"])


def fields(answer: Any) -> list[str]:
    """The fields that a 422 names."""
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
def api(db: None) -> Api:
    """An admin's."""
    return Api(make_user("ada"))


@pytest.fixture
def approver(db: None) -> Api:
    """An approver's."""
    return Api(make_user("ben", Role.APPROVER))


@pytest.fixture
def auditor(db: None) -> Api:
    """An auditor's."""
    return Api(make_user("cleo", Role.AUDITOR))


@pytest.fixture
def club(db: None) -> Any:
    """(site, server, terminals T01 to T03)"""
    return make_club()
