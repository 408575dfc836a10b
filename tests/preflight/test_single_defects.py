"""Sites with one thing wrong: the verdict names it. Sites with nothing wrong: no alarm."""

import os
import random

import pytest

from fleet.preflight.certificate.codes import RULES, Code, Severity
from fleet.preflight.certificate.findings import Verdict
from tests.preflight.defects import PLANTERS, Case, Site, healthy
from tests.preflight.pki import verdict

EACH = int(os.environ.get("TILLWAY_DEFECTS", "30"))
NOT_PLANTED_HERE = {Code.CHECK_TIMEOUT, Code.BAD_REQUEST}


def _judge(case: Case) -> Verdict:
    return verdict(case.given, case.host, times=case.times)


def test_every_code_is_planted() -> None:
    assert set(PLANTERS) == {code.value for code in Code if code not in NOT_PLANTED_HERE}


@pytest.mark.parametrize("code", PLANTERS)
def test_the_planted_defect_is_named(code: str) -> None:
    missed = []
    for seed in range(EACH):
        result = _judge(PLANTERS[code](Site(random.Random(f"{code} {seed}"))))
        found = {finding.code.value for finding in result.findings}
        wanted = RULES[Code(code)].severity is not Severity.ERROR
        if code not in found or result.suitable is not wanted:
            missed.append((seed, sorted(found)))
    assert len(missed) <= EACH // 100, missed


def test_healthy_sites_raise_no_alarm() -> None:
    for seed in range(EACH):
        result = _judge(healthy(Site(random.Random(f"healthy {seed}"))))
        assert result.findings == (), (seed, result.findings)
