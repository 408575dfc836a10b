"""The steps of each role, in order, with their time limits. agents/steps/ says how each is done and undone. An agent can do
only what is listed here: there is no "run command"."""

from dataclasses import dataclass

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

TERMINAL_STEPS: tuple[StepInfo, ...] = (
    StepInfo("secured", "Secured", 10, outage=True),
    StepInfo("interface_list", "Refresh interface list", 20, outage=True),
    StepInfo("member_lookup", "Member lookup", 20, outage=True),
)

# What `arm` checks on each role before anything is changed; nothing to undo.
ARM_STEPS: tuple[StepInfo, ...] = (StepInfo("ready", "Ready", 10),)


def steps_for(role: Role, action: Action) -> tuple[StepInfo, ...]:
    """The steps of an action, in the order of application. `undo` uses the same list from its end. `verify` uses only the
    checks of those steps that change nothing."""
    if action == "arm":
        return ARM_STEPS
    return SERVER_STEPS if role == "server" else TERMINAL_STEPS


def info(name: str) -> StepInfo:
    """The step of this name. Raises KeyError for a name that is not in the catalogue."""
    return _BY_NAME[name]


_BY_NAME = {step.name: step for step in (*SERVER_STEPS, *TERMINAL_STEPS, *ARM_STEPS)}
NAMES = frozenset(_BY_NAME)
