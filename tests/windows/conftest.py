"""One Windows for all tests in this folder."""

from collections.abc import Iterator

import pytest

from tests.windows import wine
from tests.windows.wine import Windows


@pytest.fixture(scope="session")
def windows() -> Iterator[Windows]:
    """Python for Windows under Wine; skips, and says why, where that cannot be had."""
    try:
        with wine.started() as started:
            yield started
    except wine.Unavailable as reason:
        pytest.skip(f"not tried on Windows: {reason}")
