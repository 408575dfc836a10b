"""Makes what agents send fit for a database. An agent is not trusted: its data must not make a transaction fail, because
the reports of other agents are in the same one."""

import math
from typing import Any

from agents.protocol import MOST, Finding

LARGEST_NUMBER = MOST  # of epochs, instructions and reports; the gateway refuses a message with a larger one
LARGEST = 2**63 - 1  # the largest whole number that a column can hold
DEEPEST = 20  # levels of nested JSON
MAX_FACTS_BYTES = 128 * 1024  # of an agent's inventory, and of its answer in a rehearsal, as JSON
MAX_TEXT = 2000  # characters of a finding's message or remedy


def countable(*numbers: int) -> bool:
    """Whether these are not negative and fit into a column."""
    return all(0 <= number <= LARGEST for number in numbers)


def fit_text(text: str) -> str:
    """The text without NUL and halves of surrogate pairs, which PostgreSQL refuses."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


def fit(value: Any, depth: int = 0) -> Any:
    """The JSON value as every database takes it: without NUL, NaN, infinity and half characters, and without what is
    nested deeper than DEEPEST."""
    if isinstance(value, str):
        return fit_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, (dict, list)):
        return value
    if depth >= DEEPEST:
        return None
    if isinstance(value, list):
        return [fit(item, depth + 1) for item in value]
    return {fit_text(str(key)): fit(item, depth + 1) for key, item in value.items()}


def fit_finding(finding: Finding) -> Finding:
    """An agent's finding that every database takes, with a code of at most 64 characters and texts of MAX_TEXT."""
    return Finding(fit_text(finding.code)[:64], fit_text(finding.message)[:MAX_TEXT], fit_text(finding.remedy)[:MAX_TEXT])
