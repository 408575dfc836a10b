"""Fixtures used everywhere, and the environment of the tests: plain HTTP cookies, a data folder of their own."""

import os
import tempfile

import pytest

os.environ.setdefault("TILLWAY_INSECURE_COOKIES", "true")
os.environ.setdefault("TILLWAY_DATA", tempfile.mkdtemp(prefix="tillway-tests-"))


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords():
    """The real hasher takes half a second per person on purpose; tests make hundreds of people."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
