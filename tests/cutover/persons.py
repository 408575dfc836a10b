"""The people of a walk's world: whoever stands at a device that has no agent. They set it, look a member up and press a
button, or they come late, err, go away, press twice, or answer what was asked before the cutover turned around."""

from collections.abc import Callable
from typing import Any

from fleet.cutover.states import Run as R

OLD, NEW, DOWN = 0, 1, 2
ASKED = {False: (R.SWITCHING.value,), True: (R.UNDOING.value,)}  # by direction: what a person is told to do now
LATE = {False: (R.UNREACHABLE.value, R.FAILED.value), True: (R.UNDO_FAILED.value,)}  # and what may still be done
DUE = {back: (*ASKED[back], *LATE[back], R.RESTORED.value if back else R.VERIFIED.value) for back in (False, True)}


def person_events(state: str, device: Any, scheme: int, back: bool, add: Callable[..., None]) -> None:
    """What whoever stands at this terminal may do. state: of its device run; scheme: what the server speaks."""
    wanted = OLD if back else NEW
    if state in ASKED[back] + LATE[back]:
        works = scheme == wanted and (device.trusted or wanted == OLD)
        result = "done" if works else "does_not_work"
        kind = "fair" if state in ASKED[back] else "person"
        if kind == "fair" or result == "done":  # that it still does not work is known
            add("is set by hand", kind, scheme=wanted, wrong=False, reports=_said(device, result, wanted))
        add("is not set, and a person says that it is", "fault", wrong=True, reports=_said(device, "done", wanted))
    if state in ASKED[back] or state == R.VERIFIED:
        add("does not work, says a person", "fault", reports=_said(device, "does_not_work", wanted))
    if state not in DUE[back]:
        add("is set by hand too early", "fault", scheme=wanted, wrong=True, reports=_said(device, "done", wanted))


def person_events_at_server(state: str, device: Any, back: bool, add: Callable[..., None]) -> None:
    """What whoever stands at the server may do: type the commands, err, or give up with the service down."""
    wanted = OLD if back else NEW
    if state in ASKED[back] + LATE[back]:
        kind = "fair" if state in ASKED[back] else "person"
        add("is set by hand", kind, scheme=wanted, wrong=False, reports=_said(device, "done", wanted))
        add("is not set, and a person says that it is", "fault", wrong=True, reports=_said(device, "done", wanted))
    claimed = _said(device, "done", wanted)[-1] in device.reports  # then it worked when it was looked at
    if (state in ASKED[back] or state == R.VERIFIED) and not claimed:
        add("does not work, says a person", "fault", scheme=DOWN, reports=_said(device, "does_not_work", wanted))
    right = NEW if state == R.VERIFIED else OLD
    if device.wrong and device.scheme != right and state not in ASKED[back] + LATE[back]:
        add("is put right", "mended", scheme=right)  # terminals may have followed it: see check_rest
    if state not in DUE[back]:
        add("is set by hand too early", "fault", scheme=wanted, wrong=True, reports=_said(device, "done", wanted))


def _said(device: Any, result: str, wanted: int) -> tuple[Any, ...]:
    return (*device.reports, (result, ("http", "https")[wanted]))
