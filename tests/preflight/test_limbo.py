"""The public x509-limbo suite with profile `terminals`. The data is not ours to copy: where it is missing, the test
is skipped, aloud. False accepts and false rejects are told by name, never as one percentage."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.preflight.certificate.batch import answer
from tests.preflight.limbo_reviewed import FALSE_ACCEPTS, FALSE_REJECTS, NEVER, WEAK_LEAVES, reason

DATA = Path(os.environ.get("TILLWAY_LIMBO", "/work/shared/limbo/cases.jsonl.gz"))
# Where a case names no moment, "now" is meant; one moment for all, so that the answers are the same next year.
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)

pytestmark = [
    pytest.mark.skipif(not DATA.is_file(), reason=f"{DATA} is not here: x509-limbo is NOT measured"),
    pytest.mark.filterwarnings("ignore:Parsed a serial number"),
]


def _cases() -> Iterator[tuple[dict, dict]]:
    with gzip.open(DATA, "rb") as lines:
        for line in lines:
            yield json.loads(line), answer(line, NOW)


@pytest.fixture(scope="module")
def deviations() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"accepted": [], "rejected": []}
    for case, given in _cases():
        if given["suitable"] and case["expected_result"] == "FAILURE":
            found["accepted"].append(case["id"])
        elif not given["suitable"] and case["expected_result"] == "SUCCESS":
            found["rejected"].append(case["id"])
    return found


def test_every_false_accept_was_reviewed(deviations: dict[str, list[str]]) -> None:
    assert [case for case in deviations["accepted"] if not reason(FALSE_ACCEPTS, case)] == []


def test_every_false_reject_was_reviewed(deviations: dict[str, list[str]]) -> None:
    assert [case for case in deviations["rejected"] if not reason(FALSE_REJECTS, case)] == []


def test_nothing_wrong_is_accepted_where_it_is_dangerous(deviations: dict[str, list[str]]) -> None:
    assert [case for case in deviations["accepted"] if case.startswith(NEVER) or case in WEAK_LEAVES] == []
