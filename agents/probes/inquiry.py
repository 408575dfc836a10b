"""What a person asks one agent about its site's dialect and its device: the content of a signed Inquire message."""

import dataclasses
import json
from dataclasses import dataclass

from agents import protocol
from agents.bounds import Moment, Name, Number, Place, Profile, ProtocolError
from agents.protocol import InquiryAction

MAX_LISTEN_S = 600
MAX_PROBES = 2  # that one inquiry may ask by
MAX_ADOPTED = 8  # settings that one inquiry may confirm


@dataclass(frozen=True, slots=True)
class Adopted:
    """One setting of the agent that a person has confirmed."""

    field: Name  # a key of agent.toml
    value: Place


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question to one agent, valid only with the dashboard's signature. It changes nothing on the device, except that
    `adopt` writes the agent's own file of confirmed settings.

    check: ask the server once by each of these probe profiles, as this device would.
    record: listen on a free port, pass everything on to the server, and propose a probe profile from what was seen.
    stop: end the recording with this number now.
    find: look for the service, the settings file and the like on this device.
    adopt: keep what a person has confirmed of what `find` proposes now.
    """

    agent: Name
    inquiry: Number
    action: InquiryAction
    expires_ms: Moment  # the agent does not begin after this, and has ended by then
    member: Name = ""  # check, record: the number of the test member
    probes: tuple[Profile, ...] = ()  # check: probe profiles (TOML), "" for a transport proof
    transport_path: Name = "/"  # check: the path at which a transport proof asks
    seconds: Number = 0  # record: how long it listens, at most MAX_LISTEN_S
    terminal: Name = ""  # record: how the terminal calls itself in its requests
    adopt: tuple[Adopted, ...] = ()  # adopt: the confirmed settings


def dump(inquiry: Inquiry) -> str:
    """The text that is signed."""
    return json.dumps(dataclasses.asdict(inquiry), separators=(",", ":"), sort_keys=True)


def parse(text: str) -> Inquiry:
    """The inquiry in a signed body. Raises ProtocolError naming the field that is wrong."""
    inquiry = protocol.parse_signed(Inquiry, text)
    if len(inquiry.probes) > MAX_PROBES:
        raise ProtocolError("probes", f"has more than {MAX_PROBES} profiles")
    if len(inquiry.adopt) > MAX_ADOPTED:
        raise ProtocolError("adopt", f"has more than {MAX_ADOPTED} settings")
    if inquiry.seconds > MAX_LISTEN_S:
        raise ProtocolError("seconds", f"must be at most {MAX_LISTEN_S}")
    return inquiry
