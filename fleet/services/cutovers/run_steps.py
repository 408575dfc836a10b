"""Which steps a device takes in a cutover, and how long each may be silent. A terminal whose agent restarts Touch has one step
more, and longer limits."""

from agents import catalogue
from agents.catalogue import StepInfo
from agents.protocol import Action
from fleet.models import DeviceRun

CONTACT_SLACK_S = 10  # added to a step's own limit, for the network and for an agent that restarts


def steps_of(run: DeviceRun, action: Action) -> tuple[StepInfo, ...]:
    """The steps of this action on this device, in the order of application."""
    return catalogue.steps_for(run.kind, action, run.device.restart)  # type: ignore[arg-type]


def first_step(run: DeviceRun, action: Action) -> str:
    """The step that a device begins with when it is given this action."""
    steps = steps_of(run, action)
    if action == "verify":
        return steps[-2].name if run.kind == "server" else steps[-1].name
    if action == "undo" and run.device.restart is not None:
        return catalogue.RESTART_TOUCH.name  # the lookups after it have nothing to undo, and closing Touch takes long
    return steps[-1].name if action == "undo" else steps[0].name


def step_limit(run: DeviceRun, name: str) -> float:
    """Seconds of silence that a step may cause before its device counts as unreachable."""
    return catalogue.info(name, run.device.restart).limit_s + CONTACT_SLACK_S


def longest_s(restart: catalogue.Restart | None) -> float:
    """Seconds: more than any deadline of a device that restarts Touch so is ever away."""
    return max(catalogue.info(name, restart).limit_s for name in catalogue.NAMES) + CONTACT_SLACK_S
