"""The table of codes: complete, as the contract has it, and the same in the documentation."""

from pathlib import Path

import pytest

from fleet.preflight.certificate.codes import RULES, Code, Severity
from fleet.preflight.certificate.findings import Profile

PAGE = Path(__file__).resolve().parents[2] / "docs" / "preflight.md"
WARNINGS = {
    "self_signed_pinned", "wrong_chain_order", "public_suffix_wildcard", "eku_absent", "cn_not_in_san", "profile_gap",
    "anchor_not_self_signed",
}  # fmt: skip


def row(code: Code) -> str:
    """A code's line in docs/preflight.md."""
    rule = RULES[code]
    strict = "error" if rule.forbidden_by_cabf else rule.severity.value
    severity = rule.severity.value if strict == rule.severity.value else f"{rule.severity.value}, strict: {strict}"
    return f"| `{code.value}` | {severity} | {rule.remedy} | {rule.source} |"


def test_every_code_has_a_rule_and_the_severity_of_the_contract() -> None:
    assert set(RULES) == set(Code)
    assert {code.value for code in Code if RULES[code].severity is Severity.WARNING} == WARNINGS
    assert {code.value for code in Code if RULES[code].severity is Severity.INFO} == {"key_not_given"}


def test_the_strict_profile_hardens_only_warnings() -> None:
    for code, rule in RULES.items():
        assert not rule.forbidden_by_cabf or rule.severity is Severity.WARNING, code
    assert {profile.value for profile in Profile} == {"terminals", "strict"}


@pytest.mark.parametrize("code", Code)
def test_the_documentation_shows_the_same(code: Code) -> None:
    assert row(code) in PAGE.read_text(encoding="utf-8").splitlines(), f"docs/preflight.md needs this line:\n{row(code)}"
