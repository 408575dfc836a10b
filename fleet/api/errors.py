"""Which exception becomes which problem document."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from fleet.api.problems import Problem, internal_error
from fleet.services import errors as service

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "string_unicode": "is not valid text: it contains half of a surrogate pair",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of: {expected}",
    "enum": "must be one of: {expected}",
    "string_too_long": "must be at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
    "value_error": "{error}",
}


def register(api: NinjaAPI) -> None:
    """Register all of them with the API. Any other exception is an error of ours: 500, logged, with a reference."""
    for kind, status in _STATUSES.items():
        api.add_exception_handler(kind, partial(_as, status))
    for kind, handler in _HANDLERS.items():
        api.add_exception_handler(kind, handler)


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """A 422 naming every wrong field."""
    shown = "; ".join(f"{field} {message}" for field, message in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    return Problem(422, shown + more, errors)


def too_big() -> Problem:
    """A 413."""
    return Problem(413, "the body is larger than 1 MB")


def path_of(loc: Sequence[str | int]) -> str:
    """A field as people write it: ("waves", 0, "percent") is waves[0].percent."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{_printable(part)}" if path else _printable(part)
    return path


def _printable(key: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", key[:60]) or '""'


def _validation(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    """A path of ninja begins with where the value came from and, for a body, with our argument's name."""
    pairs = []
    for error in exc.errors:
        source, *loc = error["loc"]
        if source == "body":
            loc = loc[1:]
            if not loc:
                return Problem(400, "the body is empty; it must be a JSON object").response()
        pairs.append((path_of(loc), _message(error)))
    return invalid(pairs).response()


def _message(error: dict[str, Any]) -> str:
    template = _MESSAGES.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _http(request: HttpRequest, exc: HttpError) -> HttpResponse:
    """ninja wraps what the body parser raises; the problem itself is the cause."""
    if isinstance(exc.__cause__, Problem):
        return exc.__cause__.response()
    if exc.__cause__ is not None:
        return _unexpected(request, exc)
    return Problem(exc.status_code, exc.message).response()


def _unauthenticated(request: HttpRequest, exc: AuthenticationError) -> HttpResponse:
    detail = "send a valid token: Authorization: Bearer tw_..."
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="tillway"'}).response()


def _unexpected(request: HttpRequest, exc: Exception) -> HttpResponse:
    return internal_error(f"{request.method} {request.path}", exc).response()


def _as(status: int, request: HttpRequest, exc: Any) -> HttpResponse:
    return Problem(status, str(exc)).response()


_STATUSES: dict[type[Exception], int] = {
    service.Forbidden: 403,
    service.NotFound: 404,
    service.Conflict: 409,
    Http404: 404,
    SuspiciousOperation: 400,
}
_HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Problem: lambda request, exc: exc.response(),
    service.Invalid: lambda request, exc: invalid(exc.errors).response(),
    ValidationError: _validation,
    HttpError: _http,
    AuthenticationError: _unauthenticated,
    RequestDataTooBig: lambda request, exc: too_big().response(),
    UnreadablePostError: lambda request, exc: Problem(400, "the body ended too early").response(),
    Exception: _unexpected,
}
