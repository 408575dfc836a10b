"""What can be done to a cutover, each under its own path. The rules are in services.cutovers.actions."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from ninja import Body, Router

from fleet.api import cutover_rows, responses
from fleet.api.auth import admin, approver
from fleet.api.openapi import problems
from fleet.api.requests import Nothing
from fleet.services import clock
from fleet.services.cutovers import actions
from fleet.tasks import follow

router = Router(tags=["cutovers"])

_ABOUT: dict[actions.Verb, str] = {
    "submit": "Hand a draft in for approval.",
    "approve": "Approve a submitted cutover: it starts when its window opens. Where the site asks for two persons, "
    "the approver is somebody else than the requester (403).",
    "start": "Submit and approve in one, where the site does not ask for a second person. 409 where the move cannot "
    "fit into the window, or another cutover of the site is active.",
    "pause": "Begin nothing new. What is under way ends; the window's clock and the point of no return run on.",
    "resume": "Go on after a pause. What stopped it (a wave's limit, the window's close) does not stop it again.",
    "retry_failed": "Try the terminals again that failed or were unreachable.",
    "roll_back": "Bring the server and every terminal back to what was there before. Allowed until a later cutover "
    "of the site has started.",
    "cancel": "Give up a cutover before its window opens.",
}


def _add(verb: actions.Verb, about: str) -> None:
    router.add_api_operation(
        f"/cutovers/{{id:cutover_id}}/{verb}",
        ["POST"],
        _view(verb),
        response={202: responses.CutoverWithRuns},
        auth=approver if verb == "approve" else admin,
        operation_id=f"{verb}_cutover",
        summary=verb.replace("_", " ").capitalize(),
        description=f"{about} Answers at once with the cutover as it then is; watch it with GET.",
        openapi_extra=problems(400, 404, 409, 413, 422),
        url_name=verb,
    )


def _view(verb: actions.Verb) -> Callable[..., JsonResponse]:
    def act(request: HttpRequest, cutover_id: int, nothing: Body[Nothing] = None) -> JsonResponse:  # type: ignore[assignment]
        after = actions.act(request.auth, cutover_id, verb, clock.now())  # type: ignore[attr-defined]
        follow(after)
        return JsonResponse(cutover_rows.cutover_row(cutover_id), status=202)

    return act


for _verb, _about in _ABOUT.items():
    _add(_verb, _about)
