"""What pages show of one device in a cutover: its steps, and how long it was cut off."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.catalogue import SERVER_STEPS, StepInfo, info
from fleet.cutover.states import Run as R
from fleet.models import DeviceRun, StepRun
from fleet.web import labels

# What these steps do where proofs are of the transport: nothing is looked up.
_OF_TRANSPORT = {
    "interface_list": "Ask the server",
    "member_lookup": "Ask the server again",
    "verify_server": "Verify: TCP, TLS, response",
}


@dataclass(frozen=True, slots=True)
class StepMark:
    """One step of the catalogue as it stands for one device."""

    title: str
    shape: str
    word: str
    took: str


def marks(catalogue: Iterable[StepInfo], run: DeviceRun, steps: Iterable[StepRun]) -> list[StepMark]:
    """Each step of the catalogue: what was last done about it."""
    last = {step.name: step for step in steps}
    out = []
    for known in catalogue:
        step, title = last.get(known.name), step_title(known.name, transport=proves_transport(run))
        took = labels.seconds(step.took_ms) if step else ""
        if run.step == known.name and run.state in (R.SWITCHING, R.UNDOING):
            out.append(StepMark(title, "◐", "under way", ""))
        elif step is None:
            out.append(StepMark(title, "·", "not yet", ""))
        elif step.direction == "back":
            out.append(StepMark(title, "↩", "undone", took))
        else:
            out.append(StepMark(title, "✓", "done", took))
    return out


def server_marks(run: DeviceRun | None) -> list[StepMark]:
    """The server's steps, each with how long it took."""
    return marks(SERVER_STEPS, run, run.steps.all()) if run else []


def proves_transport(run: DeviceRun) -> bool:
    """Whether this device's proofs are of the transport only."""
    return run.proof == "transport" or (run.kind == "server" and run.cutover.probe_id is None)


def step_title(name: str, *, transport: bool = False) -> str:
    """The catalogue's words for a step; the bare name for one that this version does not know. transport: its proofs are of
    the transport."""
    if transport and name in _OF_TRANSPORT:
        return _OF_TRANSPORT[name]
    try:
        return info(name).title
    except KeyError:
        return name


def cut_off_of(run: DeviceRun) -> str:
    """How long it was cut off, once that is over and where the outage does not say the same."""
    return labels.seconds(run.cut_off_ms) if run.cut_off_ms not in (None, run.outage_ms) else ""
