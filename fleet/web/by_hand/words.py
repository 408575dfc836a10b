"""What a person does at a device by hand, and what happens next, in words."""

from dataclasses import dataclass
from typing import Literal

from fleet.cutover import states
from fleet.cutover.rollback import CLEAN
from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from fleet.models import Cutover, Device, DeviceRun
from fleet.services.cutovers import by_hand
from fleet.web import manual_steps
from fleet.web.by_hand import view_models

# done: it is as it is to be; wait: not its turn; act: a person is asked now, or late.
Kind = Literal["done", "wait", "act"]


@dataclass(frozen=True, slots=True)
class Question:
    """What the page of a device says now."""

    kind: Kind
    title: str
    text: str  # one or two sentences below the title
    scheme: str = ""  # "act": what the device is to be set to
    steps: tuple[manual_steps.Step, ...] = ()  # "act": what to do, one after the other
    next: str = ""  # what happens after the answer


def question(cutover: Cutover, device: Device, run: DeviceRun | None) -> Question:
    """What a person reads now. run: the device's part in the cutover; None before the cutover is scheduled."""
    old, new = cutover.from_scheme.upper(), cutover.to_scheme.upper()
    if run is None or cutover.state in states.BEFORE_WINDOW:
        return Question("wait", "Nothing to do yet", f"Leave it on {old}. {_before(cutover)} {_itself(device)}")
    if cutover.state == C.CANCELLED:
        return Question("done", "Nothing to do", f"The cutover was cancelled. Leave this {device.kind} on {old}.")
    if by_hand.waits(cutover, run):
        return _act(cutover, device, run)
    if cutover.direction == "back":
        return _back(cutover, device, run, old)
    if run.state == R.VERIFIED:
        return Question("done", f"Done: it works over {new}", "Leave it as it is.", next=_rest(cutover))
    first = (
        "the agents of the terminals are asked first"
        if _is_server(device)
        else f"the server and wave {run.wave + 1} come first"
    )
    return Question("wait", "Not yet", f"Leave it on {old}: {first}. {_itself(device)}")


def _itself(device: Device) -> str:
    return f"This page changes by itself when it is this {device.kind}'s turn."


def _is_server(device: Device) -> bool:
    return device.kind == Device.Kind.SERVER


def _act(cutover: Cutover, device: Device, run: DeviceRun) -> Question:
    scheme = by_hand.wanted(cutover)
    back = cutover.direction == "back"
    title = f"Set it back to {scheme.upper()}" if back else f"Set it to {scheme.upper()}"
    text = f"Do these steps at the {device.kind}, one after the other. Then say below how it went."
    if back:
        turned = "" if _is_server(device) else f", and the server is on {scheme.upper()} again"
        text = f"The cutover is being rolled back{turned}. {text}{f' {manual_steps.GO_ON}' if _is_server(device) else ''}"
    elif run.state == R.FAILED:
        text = f"It did not work yet. {text}"
    elif run.state == R.UNREACHABLE:
        text = f"The time is over, and the answer still counts. {text}"
    return Question(
        "act", title, text, scheme, tuple(view_models.steps(cutover, device, scheme)), _after(cutover, device, back)
    )


def _back(cutover: Cutover, device: Device, run: DeviceRun, old: str) -> Question:
    if run.state == R.RESTORED:
        return Question("done", f"Done: it is back on {old}", "Leave it as it is.", next=_rest(cutover))
    if run.state in CLEAN and not run.touched:
        text = f"The cutover was rolled back before this {device.kind}'s turn. Leave it on {old}."
        return Question("done", "Nothing to do", text)
    wait = f"Change nothing until the server is back on {old}. Then this page says what to do."
    return Question("wait", "Wait: the cutover turned around", wait)


def _after(cutover: Cutover, device: Device, back: bool) -> str:
    if _is_server(device):
        if back:
            return (
                "After Done the terminals follow. After Does not work, or without an answer in time, somebody is needed here."
            )
        return (
            "After Done the terminals follow, and their lookups show whether it works. After Does not work, or without an "
            "answer in time, the cutover rolls back: then this page says how to set the server back."
        )
    if back:
        return "After Done nothing is left to do here. After Does not work the cutover says who has to look at it."
    limit = "rolls everything back" if cutover.on_threshold == "roll_back" else "pauses"
    return (
        "After Done the next terminals follow. After Does not work this terminal counts as failed; when too many have failed, "
        f"the cutover {limit}."
    )


def _before(cutover: Cutover) -> str:
    return "The cutover was not started yet." if cutover.state == C.DRAFT else "The cutover has not begun yet."


def _rest(cutover: Cutover) -> str:
    if cutover.state in states.AT_REST:
        return f"The cutover is over: {cutover.get_state_display()}."
    return "The cutover goes on with the other terminals."
