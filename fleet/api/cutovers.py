"""Cutovers: plan one, follow it, read its history. verbs.py has what can be done to it."""

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router

from fleet.api import cutover_rows, responses
from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.requests import CutoverFilter, NewCutover
from fleet.models import Cutover
from fleet.services import clock
from fleet.services.cutovers import planning

router = Router(tags=["cutovers"])


@router.get("/cutovers", response=responses.Cutovers, auth=reader, openapi_extra=problems(422), operation_id="list_cutovers")
def list_cutovers(request: HttpRequest, wanted: Query[CutoverFilter]) -> JsonResponse:
    """Cutovers without their device runs, oldest first."""
    found = Cutover.objects.all()
    if wanted.site is not None:
        found = found.filter(site=wanted.site)
    if wanted.state is not None:
        found = found.filter(state=wanted.state)
    items = cutover_rows.summary_rows(found)
    return JsonResponse({"count": len(items), "items": items})


@router.post(
    "/cutovers",
    response={201: responses.CutoverWithRuns},
    auth=admin,
    openapi_extra=problems(400, 413, 422),
    operation_id="create_cutover",
)
def create_cutover(request: HttpRequest, wanted: NewCutover) -> JsonResponse:
    """Plan a cutover. A draft changes nothing until it is started, or submitted and approved."""
    cutover = planning.create(request.auth, wanted.plan(), clock.now())  # type: ignore[attr-defined]
    return JsonResponse(cutover_rows.cutover_row(cutover.pk), status=201)


@router.get(
    "/cutovers/{id:cutover_id}",
    response=responses.CutoverWithRuns,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_cutover",
)
def get_cutover(request: HttpRequest, cutover_id: int) -> JsonResponse:
    """One cutover with all of its device runs. It may be read ten times a second. It is at rest in `completed`,
    `rolled_back`, `cancelled` and `needs_person`; `paused` waits for a person."""
    return JsonResponse(cutover_rows.cutover_row(cutover_id))


@router.get(
    "/cutovers/{id:cutover_id}/transitions",
    response=responses.Transitions,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="list_transitions",
    by_alias=True,
)
def list_transitions(request: HttpRequest, cutover_id: int) -> JsonResponse:
    """Every change of state of the cutover and of its devices, oldest first: who, when, why."""
    items = cutover_rows.transition_rows(cutover_id)
    return JsonResponse({"count": len(items), "items": items})
