"""Tables, constraints and querysets. Nothing here changes a state: services do."""

from fleet.models.agents import Agent, EnrolmentToken, Instruction
from fleet.models.cutovers import Cutover, DeviceRun, StepRun, Transition
from fleet.models.devices import DEFAULT_PORT, Device, Site
from fleet.models.events import Event
from fleet.models.inquiries import Inquiry
from fleet.models.people import ApiToken, Role, role_of
from fleet.models.probes import ProbeVersion
from fleet.models.rehearsals import Rehearsal, TerminalCheck

__all__ = [
    "DEFAULT_PORT",
    "Agent",
    "ApiToken",
    "Cutover",
    "Device",
    "DeviceRun",
    "EnrolmentToken",
    "Event",
    "Inquiry",
    "Instruction",
    "ProbeVersion",
    "Rehearsal",
    "Role",
    "Site",
    "StepRun",
    "TerminalCheck",
    "Transition",
    "role_of",
]
