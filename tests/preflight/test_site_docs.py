"""docs/preflight.md shows the same tables as the code."""

from pathlib import Path

import pytest

from fleet.preflight.site.codes import SITE_RULES, is_known, rule_of
from fleet.preflight.site.field_failures import FIELD_FAILURES, FieldFailure
from fleet.preflight.site.passed_checks import QUESTIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "preflight.md"


def failure_row(failure: FieldFailure) -> str:
    """A field failure's line. The message is the heading under which the page shows it."""
    titles = {question.code: question.title for question in QUESTIONS}
    codes = ", ".join(f"`{code}`" for code in failure.codes)
    message = rule_of(failure.codes[0]).title if is_known(failure.codes[0]) else titles[failure.codes[0]]
    return f"| {failure.number} | {failure.what} | {failure.planted} | {failure.found_by} | {codes} | {message} |"


def rule_row(code: str) -> str:
    """A code's line."""
    rule = SITE_RULES[code]
    return f"| `{code}` | {rule.level} | {rule.title} | {rule.remedy} |"


@pytest.mark.parametrize("failure", FIELD_FAILURES, ids=lambda failure: str(failure.number))
def test_the_table_of_field_failures_is_the_codes_own(failure: FieldFailure) -> None:
    line = failure_row(failure)
    assert line in PAGE.read_text(encoding="utf-8").splitlines(), f"docs/preflight.md needs this line:\n{line}"


@pytest.mark.parametrize("code", SITE_RULES)
def test_the_table_of_codes_is_the_codes_own(code: str) -> None:
    line = rule_row(code)
    assert line in PAGE.read_text(encoding="utf-8").splitlines(), f"docs/preflight.md needs this line:\n{line}"
