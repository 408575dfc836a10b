"""What needs attention: the list at the top of the Fleet page."""

from django.http import HttpRequest, JsonResponse
from ninja import Router

from fleet.api import responses
from fleet.api.auth import reader
from fleet.api.openapi import problems
from fleet.services import clock
from fleet.services.attention import listing

router = Router(tags=["attention"])
_SAME = ("code", "severity", "site", "device", "message", "remedy")


@router.get("/attention", response=responses.Attention, auth=reader, openapi_extra=problems(), operation_id="get_attention")
def get_attention(request: HttpRequest) -> JsonResponse:
    """What a person should look at, the most severe first: at most 200 items; `count` is how many there are. A waiting
    approval is listed for users who may give it. Empty: no problem is known."""
    found = listing.of(request.auth, clock.now())  # type: ignore[attr-defined]
    items = [
        {**{field: getattr(item, field) for field in _SAME}, "url": request.build_absolute_uri(item.path)}
        for item in found.items
    ]
    return JsonResponse({"count": found.count, "items": items})
