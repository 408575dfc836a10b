"""The dashboard's own keys: made once, whoever asks first."""

import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fleet.services import keys


@pytest.mark.django_db(transaction=True)
def test_all_who_ask_first_in_one_moment_get_the_key_that_stays(tmp_path: Path, settings: pytest.FixtureRequest) -> None:
    """The first agents of a fleet enrol at once, each in a thread of the gateway. One that got another key than the one
    that signs would refuse every instruction for ever."""
    for attempt in range(20):
        settings.KEYS_DIR = tmp_path / str(attempt)
        keys.signing_key.cache_clear()
        barrier = threading.Barrier(8)
        got: list[str] = []

        def ask(barrier: threading.Barrier = barrier, got: list[str] = got) -> None:
            barrier.wait()
            got.append(keys.signing_public())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keys.signing_key.cache_clear()
        assert got == [keys.signing_public()] * 8
        assert [path.name for path in settings.KEYS_DIR.iterdir()] == ["instructions.key"]
        assert load_pem_private_key((settings.KEYS_DIR / "instructions.key").read_bytes(), None)
    keys.signing_key.cache_clear()
