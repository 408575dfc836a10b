"""Ask one device of a site, and follow its answer. The rules are in services.probes.inquiries."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Body, Router

from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.probing import responses
from fleet.api.probing.requests import NewInquiry
from fleet.api.queries import iso
from fleet.api.requests import Nothing
from fleet.models import Inquiry
from fleet.services import clock
from fleet.services.errors import Invalid
from fleet.services.probes import inquiries, mistakes
from fleet.services.probes.inquiries import Wanted
from fleet.tasks import follow

router = Router(tags=["probes"])


@router.post(
    "/sites/{id:site_id}/inquiries",
    response={201: responses.Inquiry},
    auth=admin,
    openapi_extra=problems(400, 404, 409, 413, 422),
    operation_id="create_inquiry",
)
def create_inquiry(request: HttpRequest, site_id: int, wanted: NewInquiry) -> JsonResponse:
    """Ask one device. Answers at once; follow it with GET /inquiries/{id} until it is `done`. 409 while the device is being
    asked, has no agent in contact, or a cutover of the site is under way."""
    texts = [wanted.probe] if "probe" in wanted.model_fields_set else None
    settings = [(one.field, one.value) for one in wanted.settings]
    asked = Wanted(wanted.action, wanted.device, texts, wanted.seconds, wanted.terminal, settings)
    try:
        inquiry, after = inquiries.start(request.auth, site_id, asked, clock.now())  # type: ignore[attr-defined]
    except Invalid as refusal:
        raise Invalid(*mistakes.named("probe", refusal.errors)) from refusal
    follow(after)
    return JsonResponse(_row(inquiry), status=201)


@router.get(
    "/inquiries/{id:inquiry_id}",
    response=responses.Inquiry,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_inquiry",
)
def get_inquiry(request: HttpRequest, inquiry_id: int) -> JsonResponse:
    """One inquiry with the answer so far. A site keeps its last 20."""
    return JsonResponse(_row(get_object_or_404(Inquiry.objects.select_related("device", "requested_by"), pk=inquiry_id)))


@router.post(
    "/inquiries/{id:inquiry_id}/stop",
    response={202: responses.Inquiry},
    auth=admin,
    openapi_extra=problems(400, 404, 409, 413, 422),
    operation_id="stop_inquiry",
)
def stop_inquiry(request: HttpRequest, inquiry_id: int, nothing: Body[Nothing] = None) -> JsonResponse:  # type: ignore[assignment]
    """End a recording now; what was seen until then is proposed. Does nothing if it has ended."""
    follow(inquiries.stop(request.auth, inquiry_id, clock.now()))  # type: ignore[attr-defined]
    return JsonResponse(_row(get_object_or_404(Inquiry, pk=inquiry_id)), status=202)


def _row(inquiry: Inquiry) -> dict[str, Any]:
    action = Inquiry.Action(inquiry.action)
    return {
        "id": inquiry.pk,
        "site": inquiry.site_id,
        "device": inquiry.device.name,
        "action": action.value,
        "done": inquiry.ended_at is not None,
        "requested_by": inquiry.requested_by.get_username(),
        "created_at": iso(inquiry.created_at),
        "answered_at": iso(inquiry.answered_at),
        "ended_at": iso(inquiry.ended_at),
        "finding": inquiry.finding,
        "checked": _checked(inquiry) if action is Inquiry.Action.CHECK else [],
        "recorded": _recorded(inquiry) if action is Inquiry.Action.RECORD else None,
        "found": [asdict(one) for one in inquiry.found] if action is Inquiry.Action.FIND else [],
    }


def _checked(inquiry: Inquiry) -> list[dict[str, Any]]:
    """What was asked with what came of it. The agent answers in the order of the profiles."""
    rows = []
    for probe, asked in zip(inquiry.probes, inquiry.checked, strict=False):
        requests = [asdict(request) for request in asked.requests]
        proof = "application" if probe["text"] and asked.proof != "transport" else "transport"
        rows.append(
            {"version": probe["number"], "proof": proof, "good": asked.good, "scheme": asked.scheme, "requests": requests}
        )
    return rows


def _recorded(inquiry: Inquiry) -> dict[str, Any]:
    told = inquiry.recorded
    proposal = told.proposal
    return {
        "addresses": list(told.addresses),
        "port": told.port,
        "ends_at": iso(told.ends_at),
        "count": told.seen,
        "unreachable": told.unreachable,
        "left": told.left,
        "exchanges": [asdict(exchange) for exchange in told.exchanges],
        "proposal": None if proposal is None else {
            "text": proposal.text,
            "reasons": [{"section": section, "reason": reason} for section, reason in proposal.reasons],
            "missing": list(proposal.missing),
        },
    }  # fmt: skip
