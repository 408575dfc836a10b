"""Readiness of a site, and rehearsals: start one, follow it. The rules are in fleet.preflight."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Body, Router

from fleet.api import responses
from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.queries import iso
from fleet.api.requests import NewRehearsal
from fleet.models import Device, Rehearsal, Site, TerminalCheck
from fleet.preflight.site.codes import LEVELS
from fleet.services import clock, readiness
from fleet.services.rehearsals import lifecycle
from fleet.tasks import follow

router = Router(tags=["readiness"])
_TIMES = ("cold_ms", "dns_ms", "tcp_ms", "tls_ms")


@router.get(
    "/sites/{id:site_id}/readiness",
    response=responses.Readiness,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_readiness",
)
def get_readiness(request: HttpRequest, site_id: int) -> JsonResponse:
    """Whether this site may be moved, as far as is known beforehand: blockers, warnings and passed checks, each with what
    to do. It uses the devices' inventories and the last rehearsal; no device is asked."""
    assessment = readiness.assess_for_page(get_object_or_404(Site, pk=site_id), clock.now())
    fields = ("code", "severity", "title", "device", "message", "remedy")
    return JsonResponse({
        "site": site_id,
        "verdict": assessment.readiness.verdict,
        "counts": {level: assessment.readiness.count(level) for level in LEVELS},
        "cutover": assessment.plan.pk if assessment.plan else None,
        "rehearsal": assessment.held.pk if assessment.held else None,
        "items": [{field: getattr(item, field) for field in fields} for item in assessment.readiness.items],
    })  # fmt: skip


@router.post(
    "/sites/{id:site_id}/rehearsals",
    response={202: responses.Rehearsal},
    auth=admin,
    openapi_extra=problems(400, 404, 409, 413, 422),
    operation_id="create_rehearsal",
)
def create_rehearsal(request: HttpRequest, site_id: int, wanted: Body[NewRehearsal] = None) -> JsonResponse:  # type: ignore[assignment]
    """Let every terminal try the certificate; nothing is changed on any device. Answers at once; follow it with GET
    /rehearsals/{id}. 409 while another one is under way, or a cutover of the site is."""
    thumbprint = (wanted.certificate_thumbprint if wanted else None) or ""
    rehearsal, after = lifecycle.start(request.auth, site_id, thumbprint, clock.now())  # type: ignore[attr-defined]
    follow(after)
    return JsonResponse(_row(rehearsal), status=202)


@router.get(
    "/sites/{id:site_id}/rehearsals",
    response=responses.Rehearsals,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="list_rehearsals",
)
def list_rehearsals(request: HttpRequest, site_id: int) -> JsonResponse:
    """The site's last rehearsals and what was measured after its cutovers, newest first."""
    site = get_object_or_404(Site, pk=site_id)
    found = list(_found().filter(site=site).order_by("-pk"))
    return JsonResponse({"count": len(found), "items": [_summary(one, _checks(one)) for one in found]})


@router.get(
    "/rehearsals/{id:rehearsal_id}",
    response=responses.Rehearsal,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_rehearsal",
)
def get_rehearsal(request: HttpRequest, rehearsal_id: int) -> JsonResponse:
    """One rehearsal with what every terminal saw, in order of name. `done` and `failed` are final."""
    return JsonResponse(_row(get_object_or_404(_found(), pk=rehearsal_id)))


def _found() -> QuerySet[Rehearsal]:
    checks = TerminalCheck.objects.select_related("device").defer("body", "signature")
    return Rehearsal.objects.select_related("requested_by").prefetch_related(Prefetch("checks", checks))


def _row(rehearsal: Rehearsal) -> dict[str, Any]:
    checks = _checks(rehearsal)
    return {**_summary(rehearsal, checks), "seats": [_check(check) for check in checks]}


def _checks(rehearsal: Rehearsal) -> list[TerminalCheck]:
    checks = rehearsal.checks.all()  # prefetched where there are many rehearsals
    return [check for check in checks if check.device.kind == Device.Kind.TERMINAL]


def _summary(rehearsal: Rehearsal, checks: list[TerminalCheck]) -> dict[str, Any]:
    ready = [check.ready for check in checks]
    return {
        "id": rehearsal.pk,
        "site": rehearsal.site_id,
        "state": rehearsal.state,
        "after": rehearsal.after_id,
        "thumbprint": rehearsal.thumbprint,
        "requested_by": rehearsal.requested_by.get_username() if rehearsal.requested_by else None,
        "created_at": iso(rehearsal.created_at),
        "finished_at": iso(rehearsal.finished_at),
        "finding": rehearsal.finding,
        "counts": {"ready": ready.count(True), "not_ready": ready.count(False), "no_answer": ready.count(None)},
    }


def _check(check: TerminalCheck) -> dict[str, Any]:
    """What the terminal told: the documented fields only, null where a value has the wrong type."""
    told = check.check_facts
    return {
        "device": check.device.name,
        "ready": check.ready,
        "finding": check.finding,
        "answered_at": iso(check.answered_at),
        **{name: getattr(told, name) for name in _TIMES},
        "tls": told.tls,
    }
