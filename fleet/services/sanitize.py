"""What agents send, made fit for a database. An agent is not trusted: what one of them says must not make a
transaction fail, in which the reports of all others lie, too."""

import math
from typing import Any

from agents.protocol import MOST, Finding

LARGEST_NUMBER = MOST  # of epochs, instructions and reports; the gateway takes no message with a larger one
LARGEST = 2**63 - 1  # what a column of whole numbers holds
DEEPEST = 20
MAX_FACTS_BYTES = 128 * 1024  # of what one agent tells about its device at once, as JSON
MAX_TEXT = 2000  # characters of a finding's message or remedy


def countable(*numbers: int) -> bool:
    """Whether these can be numbers of something, and kept."""
    return all(0 <= number <= LARGEST for number in numbers)


def fit_text(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which PostgreSQL refuses."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


def fit(value: Any, depth: int = 0) -> Any:
    """A JSON value that every database takes: no NUL, NaN, infinity or half characters, and not too deep."""
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
