"""The domain is pure, and so are its tests: nothing here starts Django."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords():
    """In place of the one for everybody, which would need Django's settings."""
