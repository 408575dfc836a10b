"""What every page needs: the check of who may see it, the frame around it, and the paging of long lists."""

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from fleet.models import Role, role_of
from fleet.services.errors import ServiceError
from fleet.web.entry import log_in_first

View = Callable[..., HttpResponse]
Crumbs = Sequence[tuple[str, str]]

NAV = (("Fleet", "fleet"), ("Cutovers", "cutovers"), ("Import", "import"), ("Agents", "agents"), ("Audit", "audit"))


def for_people(view: View) -> View:
    """Only for users who are logged in and have a role. Raises PermissionDenied for a user without a role."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return log_in_first(request)
        _without_nul(request, kwargs)
        request.role = role_of(request.user)  # type: ignore[attr-defined]
        if request.role is None:  # type: ignore[attr-defined]
            raise PermissionDenied("this user has no role")
        return view(request, *args, **kwargs)

    return wrapped


def _without_nul(request: HttpRequest, parts: dict[str, Any]) -> None:
    """Remove NUL characters from the query, because PostgreSQL refuses them. Raises Http404 for one in the path."""
    if any("\0" in part for part in parts.values() if isinstance(part, str)):
        raise Http404("no address has a NUL in it")
    if "%00" in request.META.get("QUERY_STRING", ""):
        asked = request.GET.copy()
        for name, values in request.GET.lists():
            asked.setlist(name, [value.replace("\0", "") for value in values])
        request.GET = asked  # type: ignore[assignment]


def for_admins(view: View) -> View:
    """Only for admins. Raises PermissionDenied for others."""

    @for_people
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_admin(request):
            raise PermissionDenied("only an admin may do this")
        return view(request, *args, **kwargs)

    return wrapped


def is_admin(request: HttpRequest) -> bool:
    """Whether this person may change things."""
    return getattr(request, "role", None) is Role.ADMIN


def show(
    request: HttpRequest, template: str, section: str = "", crumbs: Crumbs = (), status: int = 200, **context: Any
) -> HttpResponse:
    """A page with its frame, or, where the template is a partial, the partial alone."""
    frame = {
        "nav": [(label, name, reverse(name)) for label, name in NAV],
        "section": section,
        "crumbs": crumbs,
        "role": getattr(request, "role", None),
        "is_admin": is_admin(request),
    }
    response = render(request, template, frame | context, status=status)
    # The same address answers htmx with a part of the page: a cache must keep the two apart.
    patch_vary_headers(response, ["HX-Request"])
    return response


def sentence_of(refusal: ServiceError) -> str:
    """The reason why a service refused, as a sentence: services begin it with a small letter."""
    text = str(refusal).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the changing part only. When it restores history it needs the whole page."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request


def number_in(request: HttpRequest, name: str) -> int | None:
    """The number in this query parameter; None where it is missing or not a number."""
    text = request.GET.get(name, "").strip()
    return as_id(text) if re.fullmatch(r"[0-9]+", text) else None


def as_id(text: str) -> int:
    """The text as an id that a database accepts; 0, which no row has, for any other text."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def paged(request: HttpRequest, items: Any, size: int = 50) -> Page[Any]:
    """The page that ?page= names, or the nearest existing one, with the addresses of the pages before and after it."""
    page = Paginator(items, size).get_page(request.GET.get("page"))
    page.previous_url = page_url(request, page.number - 1) if page.has_previous() else ""  # type: ignore[attr-defined]
    page.next_url = page_url(request, page.number + 1) if page.has_next() else ""  # type: ignore[attr-defined]
    return page


def page_url(request: HttpRequest, number: int) -> str:
    """This address with another page number."""
    return f"{request.path}?{urlencode({**request.GET.dict(), 'page': number})}"


def query_of(request: HttpRequest) -> str:
    """The filters of this address, for an export link, with its question mark."""
    kept = {k: v for k, v in request.GET.items() if v and k != "page"}
    return f"?{urlencode(kept)}" if kept else ""
