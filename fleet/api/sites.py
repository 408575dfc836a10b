"""Sites and servers."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Router

from fleet.api import queries, responses
from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.requests import ServerChanges
from fleet.device_facts.parse import parse_server
from fleet.models import Device
from fleet.services.devices import descriptions
from fleet.services.errors import NotFound

router = Router(tags=["sites"])


@router.get("/sites", response=responses.Sites, auth=reader, openapi_extra=problems(), operation_id="list_sites")
def list_sites(request: HttpRequest) -> JsonResponse:
    """All sites, in order of name."""
    items = queries.site_rows()
    return JsonResponse({"count": len(items), "items": items})


@router.get("/servers", response=responses.Servers, auth=reader, openapi_extra=problems(), operation_id="list_servers")
def list_servers(request: HttpRequest) -> JsonResponse:
    """All servers, in order of name, with the certificates in their machine stores. They have the thumbprints that a
    cutover takes."""
    items = _servers()
    return JsonResponse({"count": len(items), "items": items})


@router.patch(
    "/servers/{id:server_id}",
    response=responses.Server,
    auth=admin,
    openapi_extra=problems(400, 404, 413, 422),
    operation_id="change_server",
)
def change_server(request: HttpRequest, server_id: int, changes: ServerChanges) -> JsonResponse:
    """Change whether a person sets it by hand, or its port; fields that are not given stay."""
    _server(server_id)
    words = descriptions.Described(**changes.model_dump(exclude_unset=True))
    descriptions.update(request.auth, server_id, words)  # type: ignore[attr-defined]
    return JsonResponse(_server(server_id))


def _server(server_id: int) -> dict[str, Any]:
    if found := _servers(pk=server_id):
        return found[0]
    raise NotFound("there is no such server")


def _servers(**wanted: int) -> list[dict[str, Any]]:
    found = queries.devices(Device.Kind.SERVER).filter(**wanted)
    stores = dict(found.values_list("id", "facts__certificates"))  # only the part that is needed leaves the database
    return [{**row, "certificates": _certificates(stores.get(row["id"]))} for row in queries.device_rows(found)]


def _certificates(told: object) -> list[dict[str, object]]:
    """The store's certificates, with the documented fields only."""
    return [
        {
            "thumbprint": row.thumbprint or None,
            "subject": row.subject,
            "issuer": row.issuer,
            "names": list(row.names),
            "not_before": queries.iso(row.not_before),
            "not_after": queries.iso(row.not_after),
            "has_key": row.has_key,
        }
        for row in parse_server({"certificates": told}).listed or ()
    ]
