"""What every page shares: who may see it, the frame around it, pages of long lists."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from fleet.models import Role, role_of

View = Callable[..., HttpResponse]
Crumbs = Sequence[tuple[str, str]]

NAV = (("Fleet", "fleet"), ("Cutovers", "cutovers"), ("Import", "import"), ("Agents", "agents"), ("Audit", "audit"))


def for_people(view: View) -> View:
    """Whoever is logged in and has a role may look; somebody without a role is told to ask for one."""

    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.role = role_of(request.user)  # type: ignore[attr-defined]
        if request.role is None:  # type: ignore[attr-defined]
            raise PermissionDenied("this user has no role")
        return view(request, *args, **kwargs)

    return wrapped


def for_admins(view: View) -> View:
    """Pages on which things are changed."""

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


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the changing part only. When it restores history it needs the whole page."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request


def paged(request: HttpRequest, items: Any, size: int = 50) -> Page[Any]:
    """The page that ?page= names, the nearest one where it names none; with the addresses of its neighbours."""
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
