"""Errors of the API as application/problem+json (RFC 9457)."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/"
MAX_ERRORS = 100  # in one answer: the first hundred are enough to find the mistake
_KEPT_HEADERS = ("Allow", "WWW-Authenticate", "Retry-After")


class Problem(Exception):
    """An answer that is an error. It may be raised anywhere below the API."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers

    def response(self) -> HttpResponse:
        """The problem document."""
        phrase = HTTPStatus(self.status).phrase
        body: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": self.status, "detail": self.detail}
        if self.errors:
            body["errors"] = [{"field": f, "message": m} for f, m in self.errors[:MAX_ERRORS]]
        return JsonResponse(body, status=self.status, content_type=MEDIA_TYPE, headers=self.headers)


def internal_error(what: str, error: BaseException | None = None) -> Problem:
    """A 500 that gives the client a reference only; the log has the details under this reference."""
    reference = secrets.token_hex(4)
    log.error("reference %s: %s", reference, what, exc_info=error)
    return Problem(500, f"internal error; the dashboard's log has the details under reference {reference}")


class ProblemMiddleware:
    """Turns each error below /api/ that is not a problem document into one: Django's own 404, 405, 400 and 500. It is sync
    and async, so that no request needs a thread."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._acall(request)
        return _checked(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        return _checked(request, await self.get_response(request))


def _checked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if not request.path_info.startswith(PREFIX):
        return response
    if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
        response = _converted(request, response)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _converted(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    status = response.status_code
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    if status >= 500:
        return internal_error(f"{request.method} answered {status}; the traceback is logged beside this").response()
    details = {
        404: "there is no such path or object",
        405: f"{request.method} is not allowed here; allowed: {headers.get('Allow', 'nothing')}",
        413: "the body is larger than 1 MB",
    }
    return Problem(status, details.get(status, "the request is not valid"), headers=headers).response()
