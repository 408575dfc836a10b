"""A response and what is expected -> what matched. A response may hold personal data (a member's name, points, a photograph),
so nothing of its content goes further: only status, type, size, hash, and which expectation was not met."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from agents.probes.filling import content_type
from agents.probes.grammar import PLACEHOLDER
from agents.probes.pattern import compile_pattern
from agents.probes.profile import Expectation, JsonValue, Values

MAX_SEARCHED = 64 * 1024  # characters of a body in which `contains` and `matches` are looked for


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be told of a response."""

    status: int
    type: str
    """Media type in lower case, "" without one."""
    size: int
    """Bytes of the body."""
    sha256: str
    """Of the body, lower-case hex."""
    missed: str | None
    """The expectation that was not met: status, type, contains, matches or json. None: all were met."""

    def evidence(self) -> dict[str, Any]:
        """For a report."""
        met = {"matched": self.missed is None, "missed": self.missed}
        return {"status": self.status, "type": self.type, "size": self.size, "sha256": self.sha256, **met}


def judge(expect: Expectation, status: int, headers: tuple[tuple[str, str], ...], body: bytes, values: Values) -> Judgement:
    """Compare a response with what is expected of it."""
    media_type, charset = content_type(headers)
    missed = _missed(expect, status, media_type, _text(body, charset), values)
    return Judgement(status, media_type[:100], len(body), hashlib.sha256(body).hexdigest(), missed)


def _missed(expect: Expectation, status: int, media_type: str, text: str, values: Values) -> str | None:
    if status != expect.status:
        return "status"
    if expect.type is not None and media_type != expect.type:
        return "type"
    if expect.contains is not None and _filled(expect.contains, values) not in text[:MAX_SEARCHED]:
        return "contains"
    if expect.matches is not None and not compile_pattern(expect.matches).search(text[:MAX_SEARCHED]):
        return "matches"
    if expect.json is not None and not _has(expect.json, text, values):
        return "json"
    return None


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, errors="replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or one with a null byte in its name
        return body.decode("utf-8", errors="replace")


def _has(wanted: JsonValue, text: str, values: Values) -> bool:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    for part in wanted.path:
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isascii() and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return False
    if isinstance(found, (dict, list)):
        return False
    return (found if isinstance(found, str) else json.dumps(found)) == _filled(wanted.value, values)


def _filled(text: str, values: Values) -> str:
    return PLACEHOLDER.sub(lambda match: str(getattr(values, match[1])), text)
