"""Fixtures used everywhere."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords():
    """The real hasher takes half a second per person on purpose; tests make hundreds of people."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
