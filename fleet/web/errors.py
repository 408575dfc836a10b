"""The error pages. They keep the menu and say what to do; none of them may fail itself."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django_htmx.http import HttpResponseClientRedirect

from fleet.models import role_of
from fleet.web import entry, view_helpers

log = logging.getLogger(__name__)
_API = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request that browsers do not make on their own."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role does not allow it."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: with a menu even when the database is what is broken."""
    return _page(request, 500)


def not_allowed(request: HttpRequest, methods: str) -> HttpResponse:
    """405: the address of a button's action was opened as a page."""
    response = _page(request, 405)
    response["Allow"] = methods
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was loaded before somebody logged in or out in this browser, so nothing is done. The typed text is kept if the
    browser confirms that the form came from this site."""
    if not _is_ours(request):
        return _page(request, 403, stale=True, no_cookie=reason == REASON_CSRF_TOKEN_MISSING)
    entry.keep_typed(request)
    messages.error(request, "Nothing was changed: this page was loaded before the last log-in. Check the page, then try again.")
    address = entry.page_of(request)
    return HttpResponseClientRedirect(address) if getattr(request, "htmx", None) else redirect(address)


def _is_ours(request: HttpRequest) -> bool:
    """Whether the browser's Origin header names this site."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.get_host() and not request.path.startswith(_API)


def _page(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    try:
        if not hasattr(request, "role"):
            request.role = role_of(request.user) if hasattr(request, "user") else None  # type: ignore[attr-defined]
        address, label = entry.way_on(request)
        return view_helpers.show(request, f"{status}.html", status=status, way=address, way_label=label, **context)
    except Exception:  # whatever broke the page has broken this one too; it is logged, and a page is shown all the same
        log.exception("the page for a %s could not be made with its menu", status)
        return HttpResponse(render_to_string("bare.html", {"title": HTTPStatus(status).phrase}), status=status)


class NotAllowedPage:
    """Replaces Django's empty 405 response by a page. It works sync and async, so that other requests need no extra thread."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._acall(request)
        response = self.get_response(request)
        return not_allowed(request, response["Allow"]) if _is_blank(request, response) else response

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        response = await self.get_response(request)
        return await sync_to_async(not_allowed)(request, response["Allow"]) if _is_blank(request, response) else response


def _is_blank(request: HttpRequest, response: HttpResponse) -> bool:
    return response.status_code == 405 and not request.path_info.startswith(_API) and not response.content
