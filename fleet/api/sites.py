"""Sites and servers."""

from django.http import HttpRequest, JsonResponse
from ninja import Router

from fleet.api import queries, responses
from fleet.api.auth import reader
from fleet.api.openapi import problems
from fleet.device_facts.parse import parse_server
from fleet.models import Device

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
    found = queries.devices(Device.Kind.SERVER)
    stores = dict(found.values_list("id", "facts__certificates"))  # only the part that is needed leaves the database
    items = [{**row, "certificates": _certificates(stores.get(row["id"]))} for row in queries.device_rows(found)]
    return JsonResponse({"count": len(items), "items": items})


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
