"""Terminals: find them, read one, change what people write about it."""

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router

from fleet.api import queries, responses
from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.requests import TerminalChanges, TerminalFilter
from fleet.models import Device
from fleet.services.devices import descriptions
from fleet.services.errors import NotFound

router = Router(tags=["terminals"])


@router.get("/terminals", response=responses.Terminals, auth=reader, openapi_extra=problems(422), operation_id="list_terminals")
def list_terminals(request: HttpRequest, wanted: Query[TerminalFilter]) -> JsonResponse:
    """Terminals in order of name. `count` is how many match; `limit` and `offset` select a page."""
    found = queries.terminals(wanted)
    page = queries.device_rows(found[wanted.offset : wanted.offset + wanted.limit])
    return JsonResponse({"count": found.count(), "items": page})


@router.get(
    "/terminals/{id:terminal_id}",
    response=responses.Terminal,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_terminal",
)
def get_terminal(request: HttpRequest, terminal_id: int) -> JsonResponse:
    """One terminal."""
    return JsonResponse(_terminal(terminal_id))


@router.patch(
    "/terminals/{id:terminal_id}",
    response=responses.Terminal,
    auth=admin,
    openapi_extra=problems(400, 404, 409, 413, 422),
    operation_id="change_terminal",
)
def change_terminal(request: HttpRequest, terminal_id: int, changes: TerminalChanges) -> JsonResponse:
    """Change its name, note, tags or address, or whether a person sets it by hand; fields that are not given stay. 409 where
    the site has the name already. A plan that excludes the terminal excludes it under its new name."""
    _terminal(terminal_id)
    words = descriptions.Described(**changes.model_dump(exclude_unset=True))
    descriptions.update(request.auth, terminal_id, words)  # type: ignore[attr-defined]
    return JsonResponse(_terminal(terminal_id))


def _terminal(terminal_id: int) -> dict[str, object]:
    rows = queries.device_rows(queries.devices(Device.Kind.TERMINAL).filter(pk=terminal_id))
    if not rows:
        raise NotFound("there is no such terminal")
    return rows[0]
