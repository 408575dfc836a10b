"""The steps of each role, in order, with their time limits. agents/steps/ says how each is done and undone. An agent can do
only what is listed here: there is no "run command"."""

from dataclasses import dataclass, replace
from typing import Literal

from agents.protocol import Action, Role

# The application id of the certificate bindings that agents make in http.sys. Only rows with this id are ever deleted. The
# vendor's instructions use the same id.
APPID = "{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}"
# The access list (SDDL) with which the vendor's instructions reserve a URL: everyone may listen.
EVERYONE_LISTENS = "D:(A;;GX;;;WD)"


@dataclass(frozen=True, slots=True)
class StepInfo:
    """One step of the catalogue."""

    name: str
    title: str  # for people
    limit_s: float  # seconds after which the step counts as hung
    outage: bool = False  # whether terminals cannot work while it runs


SERVER_STEPS: tuple[StepInfo, ...] = (
    StepInfo("hold_monitor", "Hold the Services Monitor", 60),
    StepInfo("hold_dependents", "Stop dependent services", 120),
    StepInfo("stop_service", "Stop NetPOS.Net", 120, outage=True),
    StepInfo("swap_reservation", "Swap the URL reservation", 20, outage=True),
    StepInfo("bind_certificate", "Bind the certificate", 20, outage=True),
    StepInfo("use_ssl", "Use SSL", 10, outage=True),
    StepInfo("start_service", "Start NetPOS.Net", 180, outage=True),
    StepInfo("verify_server", "Verify: TCP, TLS, lookup", 30, outage=True),
    StepInfo("release_dependents", "Start dependent services", 180),
    StepInfo("release_monitor", "Release the Services Monitor", 60),
)

RESTARTS = ("program", "reboot")  # the ways in which an agent can restart Touch
RESTART_LIMITS_S = (5, 600)  # the bounds of Restart.limit_s, both included


@dataclass(frozen=True, slots=True)
class Restart:
    """How a terminal restarts Touch, as its settings profile says ([restart], docs/profiles.md)."""

    how: Literal["program", "reboot"]  # only Touch, or the whole machine
    limit_s: int  # how long closing Touch, or shutting the machine down, may take


SECURED = StepInfo("secured", "Secured", 10, outage=True)
RESTART_TOUCH = StepInfo("restart_touch", "Restart Touch", 90, outage=True)
BOOT_S = 600.0  # until a machine that was restarted has its agent back
TERMINAL_STEPS: tuple[StepInfo, ...] = (
    SECURED,
    StepInfo("interface_list", "Refresh interface list", 20, outage=True),
    StepInfo("member_lookup", "Member lookup", 20, outage=True),
)

# What `arm` checks on each role before anything is changed; nothing to undo.
ARM_STEPS: tuple[StepInfo, ...] = (StepInfo("ready", "Ready", 10),)


def steps_for(role: Role, action: Action, restart: Restart | None = None) -> tuple[StepInfo, ...]:
    """The steps of an action, in the order of application. `undo` uses the same list from its end. `verify` uses only the
    checks of those steps that change nothing. restart: how this terminal restarts Touch; None: it does not, and then there
    is no such step, and no step has a longer limit."""
    if action == "arm":
        return ARM_STEPS
    if role == "server":
        return SERVER_STEPS
    return TERMINAL_STEPS if restart is None else _restarting(restart)


def _restarting(restart: Restart) -> tuple[StepInfo, ...]:
    """The steps of a terminal that restarts Touch. Forward and back together, each of the two steps may close Touch, write and
    start it again, or restart the machine, so both have the same limit."""
    limit_s = RESTART_TOUCH.limit_s + restart.limit_s + (BOOT_S if restart.how == "reboot" else 0)
    both = (replace(step, limit_s=limit_s) for step in (SECURED, RESTART_TOUCH))
    return (*both, *TERMINAL_STEPS[1:])


def info(name: str, restart: Restart | None = None) -> StepInfo:
    """The step of this name. restart: as for steps_for(). Raises KeyError for a name that is not in the catalogue."""
    if restart is not None and name in (SECURED.name, RESTART_TOUCH.name):
        return next(step for step in _restarting(restart) if step.name == name)
    return _BY_NAME[name]


_BY_NAME = {step.name: step for step in (*SERVER_STEPS, *TERMINAL_STEPS, RESTART_TOUCH, *ARM_STEPS)}
NAMES = frozenset(_BY_NAME)
