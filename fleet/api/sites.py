"""Sites and servers."""

from django.http import HttpRequest, JsonResponse
from ninja import Router

from fleet.api import queries, responses
from fleet.api.auth import reader
from fleet.api.openapi import problems
from fleet.models import Device

router = Router(tags=["sites"])
# The device's own words: only what is documented passes.
_CERTIFICATE = ("thumbprint", "subject", "issuer", "names", "not_before", "not_after", "has_key")


@router.get("/sites", response=responses.Sites, auth=reader, openapi_extra=problems(), operation_id="list_sites")
def list_sites(request: HttpRequest) -> JsonResponse:
    """All sites, in order of name."""
    items = queries.site_rows()
    return JsonResponse({"count": len(items), "items": items})


@router.get("/servers", response=responses.Servers, auth=reader, openapi_extra=problems(), operation_id="list_servers")
def list_servers(request: HttpRequest) -> JsonResponse:
    """All servers, in order of name, with the certificates in their machine stores: look here for the
    thumbprint that a cutover should use."""
    found = queries.devices(Device.Kind.SERVER)
    facts = dict(found.values_list("id", "facts"))
    items = [{**row, "certificates": _certificates(facts.get(row["id"]))} for row in queries.device_rows(found)]
    return JsonResponse({"count": len(items), "items": items})


def _certificates(facts: object) -> list[dict[str, object]]:
    found = facts.get("certificates") if isinstance(facts, dict) else None
    if not isinstance(found, list):
        return []
    return [{key: c.get(key) for key in _CERTIFICATE} for c in found if isinstance(c, dict)]
