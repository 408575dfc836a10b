"""Devices from a CSV file: paste or choose it, preview, confirm. The tokens are shown once."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from fleet.services import clock
from fleet.services.devices import csv_text, importing
from fleet.services.errors import Invalid, ServiceError
from fleet.web.entry import take_typed
from fleet.web.exports import csv_lines
from fleet.web.fleet import view_models
from fleet.web.view_helpers import as_id, for_admins, sentence_of, show

PREVIEW_ROWS = 50
NEW = "new"


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def page(request: HttpRequest) -> HttpResponse:
    """The form, the preview of what would be imported, or the tokens, all at one address."""
    typed = {name: request.POST.get(name, "") for name in ("site", "text", "zone", "site_name", "two_persons")}
    if request.method != "POST":
        kept = take_typed(request)
        before = {name: str(kept.get(name, "")) for name in typed} if kept else {}
        return _show(request, typed | (before or {"two_persons": "yes", "zone": "UTC"}))
    problems: list[tuple[str, str]] = []
    guessed = None
    try:
        if (file := _file_of(request)) is not None:
            typed["text"], guessed = file.text, file.guessed
        site = importing.site_of(_target(typed))
        rows = importing.parse(typed["text"], site)
        if request.POST.get("do") == "import":
            return _import(request, typed)
        return _show(request, typed, rows=rows[:PREVIEW_ROWS], count=len(rows), target=site, guessed=guessed)
    except csv_text.Undecodable as refusal:
        typed["text"], problems = refusal.text, refusal.errors
    except Invalid as refusal:
        problems = refusal.errors
    except ServiceError as refusal:
        problems = [("", sentence_of(refusal))]
    return _show(request, typed, problems=problems, guessed=guessed)


def _import(request: HttpRequest, typed: dict[str, str]) -> HttpResponse:
    made = importing.import_devices(request.user, _target(typed), typed["text"], clock.now())
    tokens = "".join(csv_lines(("name", "kind", "token"), ((d.name, d.kind, token) for d, token in made)))
    response = _show(request, typed, tokens=tokens, count=len(made))
    response["Cache-Control"] = "no-store"
    return response


def _file_of(request: HttpRequest) -> csv_text.Decoded | None:
    """The file's text; None where no file was chosen, so that the pasted text counts. Raises Invalid."""
    file = request.FILES.get("file")
    if file is None:
        return None
    if (file.size or 0) > importing.MAX_BYTES:
        raise Invalid(("file", f"is larger than {importing.MAX_BYTES // 1000:,} kB"))
    return csv_text.decode(file.read())


def _target(typed: dict[str, str]) -> int | importing.NewSite:
    """The id of the chosen site, or what was typed for a new one. Raises Invalid where none is chosen."""
    if typed["site"] == NEW:
        return importing.NewSite(typed["site_name"], typed["zone"], bool(typed["two_persons"]))
    if not (site := as_id(typed["site"])):
        raise Invalid(("site", "choose a site"))
    return site


def _show(request: HttpRequest, typed: dict[str, str], **context: Any) -> HttpResponse:
    sites = view_models.sites()
    fields = {field for field, _ in context.get("problems", [])}
    context |= {
        "typed": typed,
        "sites": sites,
        "columns": importing.COLUMNS,
        "wrong": fields,
        "new_site": typed["site"] == NEW or not sites,
    }
    return show(request, "fleet/import.html", "import", [("Fleet", reverse("fleet")), ("Import", "")], **context)
