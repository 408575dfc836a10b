"""The certificate expires, is replaced or goes away between the rehearsal, the arming and the flip: always found before
the service is stopped (docs/preflight.md)."""

import datetime as dt
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certificates
import pytest
from fake_windows import FakeWindows

from agents.hosts.host import ServerHost
from agents.protocol import Instruction

TRIALS = 200
DAY_MS = 86_400_000


def _expired(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    clock.learn(clock.now_ms() + 31 * DAY_MS)
    return "certificate_expired"


def _early(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    clock.learn(clock.now_ms() - 2 * DAY_MS)
    return "certificate_not_yet_valid"


def _gone(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    (folder / mine.pem.name).unlink()
    return "certificate_missing"


def _replaced(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    other = certificates.make(folder / "other")
    shutil.copy(other.pem, folder / mine.pem.name)
    return "certificate_missing"


def _damaged(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    data = bytearray((folder / mine.pem.name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / mine.pem.name).write_bytes(data)
    return "certificate_missing"


def _without_key(folder: Path, mine: certificates.Certificate, clock: Any) -> str:
    (folder / mine.key.name).unlink()
    return "certificate_key_missing"


@pytest.fixture
def store(windows: FakeWindows, certificate: certificates.Certificate, tmp_path: Path) -> Path:
    """A store of this test's own, where the server finds it."""
    folder = tmp_path / "store"
    folder.mkdir()
    windows.store = folder
    return folder


async def test_it_is_found_before_the_service_is_stopped(
    store: Path,
    certificate: certificates.Certificate,
    windows: FakeWindows,
    server: ServerHost,
    make_driver: Callable[..., Any],
    make_instruction: Callable[..., Instruction],
) -> None:
    rng = random.Random(14)
    before = windows.snapshot()
    begun = dt.datetime.now(dt.UTC).timestamp() * 1000
    for trial in range(TRIALS):
        for file in (certificate.pem, certificate.key):
            shutil.copy(file, store / file.name)
        driver = make_driver(server, folder=f"state{trial}")
        driver.runner.clock.learn(round(begun))
        spoil = rng.choice((_expired, _early, _gone, _replaced, _damaged, _without_key))
        armed_first = rng.random() < 0.5
        if armed_first:
            assert (await driver.do(make_instruction(seq=1, action="arm"))).outcome == "done"
        expected = spoil(store, certificate, driver.runner.clock)
        windows.calls.clear()
        order = make_instruction(seq=2, action="switch" if armed_first else "arm")
        finished = await driver.do(order)
        assert (finished.outcome, finished.finding.code) == ("failed", expected), f"trial {trial}, {spoil.__name__}"
        assert not any(call.startswith("sc stop NetPOSNet") for call in windows.calls)
        assert windows.snapshot() == before
