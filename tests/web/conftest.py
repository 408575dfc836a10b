"""People who look at pages, and a broker that writes down what it was asked to do."""

import pytest
from django.test import Client

from fleet.models import Role
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _plain_http(settings):
    """Pages over HTTP, with static files found without a manifest."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def followed(monkeypatch):
    """What the views handed to the workers after a service's commit."""
    seen = []
    monkeypatch.setattr("fleet.tasks.follow", seen.append)
    return seen


def browser(user) -> Client:
    """A browser in which this user is logged in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db, followed) -> Client:
    return browser(make_user("ada", Role.ADMIN))


@pytest.fixture
def approver(db, followed) -> Client:
    return browser(make_user("ben", Role.APPROVER))


@pytest.fixture
def auditor(db, followed) -> Client:
    return browser(make_user("cem", Role.AUDITOR))


@pytest.fixture
def nobody(db, followed) -> Client:
    """Logged in, without a role."""
    return browser(make_user("dot", None))
