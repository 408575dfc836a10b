"""The way to the log-in page and back: which page follows, and how typed text survives the log-in."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import NoReverseMatch, reverse
from django_htmx.http import HttpResponseClientRedirect

# Addresses that are not pages -> the page that they belong to, and the label of the link to it.
_BELONGS = {
    "act": ("cutover", "Back to the cutover"),
    "by_hand_now": ("cutover", "Back to the cutover"),
    "confirm": ("cutover", "Back to the cutover"),
    "events": ("cutover", "Back to the cutover"),
    "dismiss": ("fleet", "Back to Fleet"),
    "logout": ("fleet", "Back to Fleet"),
    "policy": ("readiness", "Back to Readiness"),
    "preview": ("plan", "Back to the plan"),
    "progress": ("readiness", "Back to Readiness"),
    "inquiry_adopt": ("fleet", "Back to Fleet"),
    "inquiry_stop": ("fleet", "Back to Fleet"),
    "inquiry_use": ("fleet", "Back to Fleet"),
    "site_find": ("site", "Back to the site"),
    "site_learn": ("site", "Back to the site"),
    "site_member": ("site", "Back to the site"),
    "site_part": ("site", "Back to the site"),
    "site_probe": ("site", "Back to the site"),
    "site_probe_remove": ("site", "Back to the site"),
    "site_try": ("site", "Back to the site"),
    "readiness_progress": ("readiness", "Back to Readiness"),
    "rehearse": ("readiness", "Back to Readiness"),
    "revoke": ("agents", "Back to Agents"),
    "token": ("agents", "Back to Agents"),
}
# Forms whose typed text survives a log-in.
_FORMS = {"by_hand", "plan", "preview", "terminal", "server", "import", "site_member", "site_probe"}
_KEPT, _NEVER = "typed", {"csrfmiddlewaretoken", "password", "do"}
MOST_TYPED = 16_000  # characters; limited because users who are not logged in can make us store them
MOST_STRANGERS = 1000  # sessions of users who are not logged in
WAITS_S = 3600


class LogIn(LoginView):
    """The log-in page."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """A session that keeps text of somebody who is not logged in expires soon; after the log-in it lasts as usual."""
        answer = super().form_valid(form)
        if "_session_expiry" in self.request.session:
            self.request.session.set_expiry(None)
        return answer


def way_on(request: HttpRequest) -> tuple[str, str]:
    """(address, label) of the page to which this address belongs; the Fleet page where there is none."""
    match = request.resolver_match
    name, label = _BELONGS.get(match.url_name or "" if match else "", ("", ""))
    if match and name:
        try:
            return reverse(name, args=[match.kwargs["pk"]] if name in ("cutover", "readiness", "site") else []), label
        except (NoReverseMatch, KeyError):
            pass  # an address of the same name with other parts: the Fleet page is right for all
    return reverse("fleet"), "Back to Fleet"


def page_of(request: HttpRequest) -> str:
    """The address to come back to: this one where it is a page, else the page that it belongs to."""
    htmx: Any = getattr(request, "htmx", None)
    if htmx and htmx.current_url_abs_path:
        return str(htmx.current_url_abs_path)
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name in _BELONGS:
        return way_on(request)[0]
    return request.get_full_path() if request.method in ("GET", "HEAD") else request.path


def log_in_first(request: HttpRequest) -> HttpResponse:
    """Redirect to the log-in page. htmx must load it as a whole page, or it would replace only a part of the current one."""
    if request.method == "POST" or getattr(request, "htmx", None):
        keep_typed(request)
    answer = redirect_to_login(page_of(request), reverse("login"))
    return HttpResponseClientRedirect(answer["Location"]) if getattr(request, "htmx", None) else answer


def keep_typed(request: HttpRequest) -> None:
    """Keep what was typed into a form until its page is shown again, in this browser's session."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    fields = request.POST if request.method == "POST" else request.GET
    typed = {key: values for key, values in fields.lists() if key not in _NEVER}
    size = sum(len(key) + sum(map(len, values)) for key, values in typed.items())
    if name not in _FORMS or not typed or size > MOST_TYPED:
        return
    if not request.user.is_authenticated:
        if request.session.is_empty() and Session.objects.count() >= MOST_STRANGERS:
            return
        request.session.set_expiry(WAITS_S)
    request.session[_KEPT] = [page_of(request).split("?")[0], typed]


def take_typed(request: HttpRequest) -> QueryDict | None:
    """What was typed into this page's form before a log-in came in between, once."""
    session: SessionBase = request.session
    kept = session.get(_KEPT)
    if request.method != "GET" or not kept or kept[0] != request.path:
        return None
    del session[_KEPT]
    typed = QueryDict(mutable=True)
    for key, values in kept[1].items():
        typed.setlist(key, values)
    return typed
