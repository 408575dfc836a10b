"""What can be done to a cutover, each under its own path. The rules are in services.cutovers.actions."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from ninja import Body, Router

from fleet.api import cutover_rows, responses
from fleet.api.auth import admin, approver
from fleet.api.openapi import problems
from fleet.api.requests import ByHand, Nothing
from fleet.services import clock
from fleet.services.cutovers import actions, by_hand
from fleet.tasks import follow

router = Router(tags=["cutovers"])

_ABOUT: dict[actions.Verb, str] = {
    "submit": "Submit a draft for approval.",
    "approve": "Approve a submitted cutover: it starts when its window opens. Where the site requires a second person, "
    "the requester cannot approve (403).",
    "start": "Submit and approve in one, where the site does not require a second person. 409 where the cutover does not "
    "fit into the window, or another cutover of the site is active.",
    "pause": "Start nothing new. Steps under way finish; the window and the point of no return stay as they are.",
    "resume": "Continue after a pause. What stopped it (a wave's limit, the end of the window) does not stop it again.",
    "retry_failed": "Retry the terminals that failed or were unreachable.",
    "roll_back": "Restore the server and every terminal. Allowed until a later cutover of the site has started.",
    "cancel": "Cancel a cutover before its window opens.",
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


@router.post(
    "/cutovers/{id:cutover_id}/by_hand",
    response=responses.CutoverWithRuns,
    auth=approver,
    openapi_extra=problems(400, 404, 409, 413, 422),
    operation_id="answer_by_hand",
    summary="Answer for a terminal or the server by hand",
)
def answer_by_hand(request: HttpRequest, cutover_id: int, answer: ByHand) -> JsonResponse:
    """Say how it went at a terminal by hand, or at the server by hand. A late answer is taken, and one that says what is known
    already changes nothing. 404 for a device that takes no part, 409 where the answer does not count now: it is not its turn,
    or the cutover turned around meanwhile."""
    after = by_hand.answer(
        request.auth,  # type: ignore[attr-defined]
        cutover_id,
        answer.terminal,
        answer.result,
        clock.now(),
        note=answer.note,
        scheme=answer.scheme,
    )
    follow(after)
    return JsonResponse(cutover_rows.cutover_row(cutover_id))
