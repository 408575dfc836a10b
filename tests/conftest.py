"""Fixtures used everywhere."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords():
    """The real hasher takes half a second per person on purpose; tests make hundreds of people."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def _keys():
    """The dashboard's keys, as they are made before the first agent is enrolled."""
    from fleet.services import keys

    keys.make_missing()
