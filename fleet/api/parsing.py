"""Request bodies: valid JSON objects, or one text of TOML."""

import json
import math
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser

from fleet.api.errors import invalid, path_of, too_big
from fleet.api.problems import Problem

# A body of this type is the field `text` of what is sent: so that a script can send a probe profile's file as it is.
TOML = "application/toml"


class StrictParser(Parser):
    """Refuses what json.loads accepts and JSON does not have (NaN, Infinity, a key given twice, half a surrogate pair),
    before any field is read."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body as a dictionary. Raises Problem."""
        if len(request.body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise too_big()  # sent in chunks, without a length that BodyLimit could have refused
        if request.content_type == TOML:
            return {"text": _utf8(request.body)}
        return parse_object(request.body)


def parse_object(raw: bytes) -> dict[str, Any]:
    """These bytes as a JSON object. Raises Problem: 400 when it is not a JSON object, 422 for broken text."""
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_without_doubles
        )
        broken = _half_characters(value, ()) if b"\\u" in raw else []
    except UnicodeDecodeError as error:
        raise _no_json("it is not UTF-8") from error
    except RecursionError as error:
        raise _no_json("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise _no_json(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # Python refuses to read a whole number with thousands of digits
        raise _no_json("a number has too many digits") from error
    if not isinstance(value, dict):
        raise Problem(400, "the body must be a JSON object, such as {}")
    if broken:
        raise invalid([(path, "is not valid text: it contains half of a surrogate pair") for path in broken])
    return value


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, "the body is not UTF-8") from error


def _no_json(why: str) -> Problem:
    return Problem(400, f"the body is not JSON: {why}")


def _no_constant(name: str) -> NoReturn:
    raise _no_json(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _no_json("a number is out of range")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _no_json("an object has the same key twice")
    return found


def _half_characters(value: Any, loc: tuple[str | int, ...]) -> list[str]:
    """The paths of texts and keys that contain half a surrogate pair, which no encoding can write."""
    if isinstance(value, str):
        return [path_of(loc)] if any("\ud800" <= c <= "\udfff" for c in value) else []
    if isinstance(value, list):
        return [path for i, item in enumerate(value) for path in _half_characters(item, (*loc, i))]
    if isinstance(value, dict):
        return [path for k, v in value.items() for path in [*_half_characters(k, (*loc, k)), *_half_characters(v, (*loc, k))]]
    return []
