"""faults.json as the network and the files of a device feel it."""

import asyncio
import datetime as dt
import json
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from agents.lab.faults import Faults, LabFiles, LabNetwork

LIMIT_S = 10
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path)


def say(faults: Faults, value: Any) -> None:
    (faults.lab / "new").write_text(json.dumps(value))
    os.replace(faults.lab / "new", faults.lab / "faults.json")


def network(faults: Faults) -> LabNetwork:
    return LabNetwork(faults, "Bar-01")


def test_without_a_file_nothing_is_wrong(faults: Faults) -> None:
    assert not faults.terminal("Bar-01").offline
    assert not faults.server().fail_to_start


def test_a_change_is_seen_at_once_and_its_end_too(faults: Faults) -> None:
    say(faults, {"terminals": {"Bar-01": {"offline": True}}, "server": {"start_delay_s": 2}})
    assert faults.terminal("Bar-01").offline
    assert not faults.terminal("Bar-02").offline
    assert faults.server().start_delay_s == 2
    (faults.lab / "faults.json").unlink()
    assert not faults.terminal("Bar-01").offline


@pytest.mark.parametrize("text", ["", '{"terminals": {"Bar-0', "[1]", "null"])
def test_a_half_written_file_leaves_the_last_good_one(faults: Faults, text: str) -> None:
    say(faults, {"terminals": {"Bar-01": {"offline": True}}})
    assert faults.terminal("Bar-01").offline
    (faults.lab / "faults.json").write_text(text)
    assert faults.terminal("Bar-01").offline
    say(faults, {})
    assert not faults.terminal("Bar-01").offline


def test_values_of_another_type_are_passed_over(faults: Faults) -> None:
    say(faults, {"terminals": {"Bar-01": {"offline": "yes", "latency_ms": "1", "colour": 1}, "Bar-02": 7}, "server": []})
    assert faults.terminal("Bar-01") == faults.terminal("Bar-02") == faults.terminal("Bar-03")
    assert faults.server().start_delay_s == 0


async def test_offline_reaches_nothing_and_cuts(faults: Faults) -> None:
    await network(faults).before_request()
    cut = asyncio.create_task(network(faults).until_cut())
    other = asyncio.create_task(LabNetwork(faults, "Bar-02").until_cut())
    await asyncio.sleep(0)
    assert not cut.done()
    say(faults, {"terminals": {"Bar-01": {"offline": True}}})
    await asyncio.wait_for(cut, LIMIT_S)
    assert not other.done()
    with pytest.raises(OSError, match="unreachable"):
        await network(faults).before_request()
    await LabNetwork(faults, None).before_request()
    other.cancel()


async def test_latency_delays_a_request_which_may_be_offline_by_then(faults: Faults) -> None:
    say(faults, {"terminals": {"Bar-01": {"latency_ms": 100}}})
    begun = asyncio.get_running_loop().time()
    await network(faults).before_request()
    assert asyncio.get_running_loop().time() - begun >= 0.09
    request = asyncio.create_task(network(faults).before_request())
    await asyncio.sleep(0)
    say(faults, {"terminals": {"Bar-01": {"offline": True}}})
    with pytest.raises(OSError, match="unreachable"):
        await request


def test_another_root_store(faults: Faults) -> None:
    assert network(faults).roots(Path("mine.pem")) == Path("mine.pem")
    say(faults, {"terminals": {"Bar-01": {"untrusted_root": True}}})
    assert network(faults).roots(Path("mine.pem")) == faults.lab / "foreign-root.pem"


@pytest.mark.parametrize(("skew_days", "code", "text"), [(-30, 9, "not yet valid"), (30, 10, "has expired")])
def test_a_wrong_clock(faults: Faults, skew_days: int, code: int, text: str) -> None:
    network(faults).check_validity(NOW - DAY, NOW + DAY)
    say(faults, {"terminals": {"Bar-01": {"clock_skew_s": skew_days * 86400}}})
    with pytest.raises(ssl.SSLCertVerificationError, match=text) as caught:
        network(faults).check_validity(NOW - DAY, NOW + DAY)
    assert caught.value.verify_code == code
    network(faults).check_validity(NOW - 60 * DAY, NOW + 60 * DAY)


def test_protected_settings_cannot_be_written_but_read(faults: Faults, tmp_path: Path) -> None:
    path = tmp_path / "TouchSettings.xml"
    files = LabFiles(network(faults))
    files.write(path, b"one")
    files.try_folder(path)
    say(faults, {"terminals": {"Bar-01": {"read_only_settings": True}}})
    with pytest.raises(PermissionError):
        files.write(path, b"two")
    with pytest.raises(PermissionError):
        files.try_folder(path)
    assert files.read(path) == b"one"
