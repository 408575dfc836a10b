"""The probe profile of a site, and the number of its test member."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from agents.probes import validator
from fleet.api import queries
from fleet.api import responses as shared
from fleet.api.auth import admin, reader
from fleet.api.openapi import problems
from fleet.api.probing import responses
from fleet.api.probing.requests import NewProbe, SiteChanges
from fleet.models import Site
from fleet.services import clock
from fleet.services.devices import sites
from fleet.services.errors import Invalid
from fleet.services.probes import mistakes, versions

router = Router(tags=["probes"])


@router.patch(
    "/sites/{id:site_id}",
    response=shared.Site,
    auth=admin,
    openapi_extra=problems(400, 404, 413, 422),
    operation_id="change_site",
)
def change_site(request: HttpRequest, site_id: int, changes: SiteChanges) -> JsonResponse:
    """Change the site's test member number. It is sent in every proof: use a member made for testing, never a
    customer's."""
    get_object_or_404(Site, pk=site_id)
    if "member" in changes.model_fields_set:
        sites.set_member(request.auth, site_id, changes.member, clock.now())  # type: ignore[attr-defined]
    return JsonResponse(next(row for row in queries.site_rows() if row["id"] == site_id))


@router.get(
    "/sites/{id:site_id}/probe",
    response=responses.Probe,
    auth=reader,
    openapi_extra=problems(404),
    operation_id="get_probe",
)
def get_probe(request: HttpRequest, site_id: int) -> JsonResponse:
    """How the proofs of this site ask its server: by its probe profile, or by a transport proof where it has none."""
    return JsonResponse(_row(get_object_or_404(Site, pk=site_id)))


@router.put(
    "/sites/{id:site_id}/probe",
    response=responses.Probe,
    auth=admin,
    openapi_extra=problems(400, 404, 413, 422),
    operation_id="put_probe",
)
def put_probe(request: HttpRequest, site_id: int, probe: NewProbe) -> JsonResponse:
    """Use this probe profile from the next cutover or rehearsal on; one that is under way keeps its own. A 422 names every
    mistake in it, with fields such as `text.member.path`. The file itself can be sent, too, as `application/toml`."""
    try:
        versions.save(request.auth, site_id, probe.text, clock.now())  # type: ignore[attr-defined]
    except Invalid as refusal:
        raise Invalid(*mistakes.named("text", refusal.errors)) from refusal
    return JsonResponse(_row(get_object_or_404(Site, pk=site_id)))


@router.delete(
    "/sites/{id:site_id}/probe",
    response=responses.Probe,
    auth=admin,
    openapi_extra=problems(404),
    operation_id="delete_probe",
)
def delete_probe(request: HttpRequest, site_id: int) -> JsonResponse:
    """Use transport proofs again, from the next cutover or rehearsal on. They do not show that the server answers a member
    lookup. The versions stay."""
    versions.remove(request.auth, site_id, clock.now())  # type: ignore[attr-defined]
    return JsonResponse(_row(get_object_or_404(Site, pk=site_id)))


def _row(site: Site) -> dict[str, Any]:
    version = versions.current(site)
    return {
        "proof": versions.proof_kind(version.pk if version else None),
        "version": version.number if version else None,
        "text": versions.text_of(version),
        "source": version.source if version else None,
        "created_at": queries.iso(version.created_at) if version else None,
        "warnings": list(validator.parse(version.text.encode()).warnings) if version else [],
    }
