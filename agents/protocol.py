"""The messages between agent and dashboard: one frozen dataclass for each, versioned.

A connection is one WebSocket over TLS, opened by the agent. The gateway speaks first:

    gateway  Challenge            a nonce to sign, the dashboard's clock
    agent    Enrol | Hello        a one-time token and a new public key, or a known agent's signature and the proof of
                                  its newest instruction
    gateway  Enrolled | Welcome   or Refused, and the connection closes
    gateway  Instruct             a signed Instruction; stored before it is sent
    agent    StepDone, Finished   numbered, kept on disk until acknowledged
    agent    Inventory            what the device looks like
    gateway  Rehearse             a signed Rehearsal: look and measure, change nothing
    agent    Rehearsed            what was seen; not kept on disk, a rehearsal can be repeated
    gateway  Inquire              a signed Inquiry of a person (agents/probes/inquiry.py)
    agent    Inquired             what was found, several times while it goes on; not kept on disk
    gateway  Ack                  everything up to n is in the database
    both     Beat                 every few seconds; the dashboard's beat renews the lease

Signatures are Ed25519. Times are milliseconds since the epoch by the dashboard's clock: an agent learns the difference from
Challenge.now_ms, so a terminal with a dead clock battery still reports correct times.

Neither side trusts the other's numbers: each number and each short text has bounds (Within, Longest), and a message with a
value out of its bounds is refused.
"""

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from agents.bounds import (
    MOST,
    Body,
    Count,
    Duration,
    Key,
    Life,
    Moment,
    Name,
    Number,
    Port,
    Profile,
    ProtocolError,
    Secret,
    Version,
    Words,
    build,
)

__all__ = ["MOST", "ProtocolError"]

T = TypeVar("T")

VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024

Role = Literal["server", "terminal"]
Scheme = Literal["http", "https"]
Action = Literal["arm", "switch", "undo", "verify"]
Direction = Literal["forward", "back"]
Outcome = Literal["done", "failed", "undo_failed", "refused"]
Policy = Literal["finish", "restore"]
ProbeAction = Literal["open", "ask", "close"]
InquiryAction = Literal["check", "record", "stop", "find", "adopt"]

# The kinds of lookups that a terminal measures in a rehearsal: where it asks (http: the live port; plain and https: the shadow
# listener without and with TLS), and over which connection (new, kept open, or new with a resumed TLS session).
LOOKUP_KINDS = ("http_new", "http_kept", "plain_new", "plain_kept", "https_new", "https_resumed", "https_kept")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know."""

    code: Name  # stable, for tools
    message: Words  # what happened and why
    remedy: Words  # what to do


@dataclass(frozen=True, slots=True)
class Instruction:
    """One job for one agent, valid only with the dashboard's signature (see Instruct). An agent refuses an instruction that is
    older than the newest one it has accepted."""

    agent: Name
    seq: Number  # grows with every instruction for this agent
    epoch: Number  # grows with every change of a cutover's direction
    cutover: Number
    action: Action
    to_scheme: Scheme
    steps: tuple[Name, ...]  # in order, from agents/catalogue.py
    port: Port
    thumbprint: Name | None  # the certificate for HTTPS
    member: Name  # the member number of the test lookups
    expires_ms: Moment  # the agent does not begin after this
    lease_ms: Duration  # the agent acts on its own, by `policy`, when it has not heard from the dashboard for so long
    policy: Policy = "restore"
    probe: Profile = ""  # the site's probe profile (TOML), by which the lookups ask; "": a transport proof
    transport_path: Name = "/"  # the path at which a transport proof asks


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One part of a rehearsal for one agent, valid only with the dashboard's signature (see Rehearse). It changes nothing
    on the device, so there is nothing to undo and nothing in the journal.

    open: the server listens on two spare ports, one with TLS and one without, and forwards to the live port.
    ask: a terminal makes lookups at the live port and at both spare ports, and measures them.
    close: the server stops listening on the spare ports.
    """

    agent: Name
    rehearsal: Number
    action: ProbeAction
    port: Port  # the live port
    member: Name  # the member number of the lookups
    expires_ms: Moment  # the spare ports close by then at the latest
    thumbprint: Name | None = None  # open: the certificate for the port with TLS
    shadow_port: Port = 0  # ask: the spare port with TLS; 0: ask at the live port only
    plain_port: Port = 0  # ask: the spare port without TLS
    samples: Count = 0  # ask: how many lookups of each kind
    spread_ms: Duration = 0  # ask: begin after a random time of at most this, so that terminals do not begin together
    pace_ms: Duration = 0  # ask: one round, with one lookup of each kind, takes this long
    probe: Profile = ""  # open, ask: the site's probe profile (TOML); "": a transport proof
    transport_path: Name = "/"  # open, ask: the path at which a transport proof asks
    issuers: tuple[str, ...] = ()  # ask: subjects (base64 of DER) to look for in the terminal's root store


# --- gateway to agent ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Challenge:
    """The first message on every connection. The agent signs `nonce` (see hello_payload)."""

    nonce: Name
    now_ms: Moment


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The one-time token was good: the device is enrolled."""

    agent: Name  # this device's id from now on
    signing_key: Key  # the dashboard's Ed25519 public key (base64, raw), with which every instruction is signed


@dataclass(frozen=True, slots=True)
class Welcome:
    """The agent is known. Reports up to number `acked` are in the database; the agent sends the later ones again."""

    acked: Number
    now_ms: Moment


@dataclass(frozen=True, slots=True)
class Instruct:
    """A signed instruction: `body` is the JSON text of an Instruction, signed byte for byte."""

    body: Body
    signature: Key


@dataclass(frozen=True, slots=True)
class Rehearse:
    """A signed part of a rehearsal: `body` is the JSON text of a Rehearsal, signed byte for byte."""

    body: Body
    signature: Key


@dataclass(frozen=True, slots=True)
class Inquire:
    """A signed inquiry: `body` is the JSON text of an Inquiry (agents/probes/inquiry.py), signed byte for byte."""

    body: Body
    signature: Key


@dataclass(frozen=True, slots=True)
class Ack:
    """Every report up to and including n is in the database."""

    n: Number


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway does not accept this agent, and closes the connection. code: unknown_agent, bad_signature, bad_token,
    key_in_use, revoked, identity_used_twice, replaced, bad_message, too_much, not_ready."""

    code: Name
    message: Words


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life in either direction, with the dashboard's time as the sender knows it."""

    now_ms: Moment


# --- agent to gateway ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enrol:
    """A request to become a known agent."""

    token: Secret  # can be used once
    public_key: Key  # Ed25519 (base64, raw); the private key never leaves the device
    role: Role
    name: Name
    signature: Key  # of enrol_payload()


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest instruction that an agent has accepted, byte for byte as the dashboard signed it. By it a dashboard finds
    out that it was restored from an old backup."""

    body: Body
    signature: Key


@dataclass(frozen=True, slots=True)
class Hello:
    """A known agent's first message."""

    agent: Name
    signature: Key  # of hello_payload(), by the agent's key
    version: Version
    life: Life = ""  # random, made when the process started: so two processes with the same identity are noticed
    proof: Proof | None = None  # None if nothing was accepted yet, and from agents of older versions


@dataclass(frozen=True, slots=True)
class Inventory:
    """The facts about the device now, sent after each welcome, after each change and every 15 minutes. Pages must escape
    every text in it. docs/agent-protocol.md lists the facts."""

    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What this device saw in a rehearsal."""

    rehearsal: Number
    action: ProbeAction
    facts: dict[str, Any]  # docs/agent-protocol.md lists them for each action
    finding: Finding | None = None  # why the device is not ready; None if all went well


@dataclass(frozen=True, slots=True)
class Inquired:
    """What this device has found so far. Each answer to one inquiry replaces the ones before it."""

    inquiry: Number
    action: InquiryAction
    n: Number  # counts the answers to this inquiry from 1, so that an older one is known
    facts: dict[str, Any]  # docs/agent-protocol.md lists them for each action
    finding: Finding | None = None  # why it could not be done; None if all went well
    done: bool = True  # whether this is the last answer


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step was applied and verified (direction forward), or undone (back)."""

    n: Number  # the report's own number, from 1
    seq: Number
    epoch: Number
    cutover: Number
    step: Name
    direction: Direction
    at_ms: Moment
    took_ms: Duration
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """An instruction has ended."""

    n: Number  # the report's own number, from 1
    seq: Number
    epoch: Number
    cutover: Number
    action: Action
    outcome: Outcome
    at_ms: Moment
    scheme: Scheme | None  # according to the device's settings now; None if they could not be read
    finding: Finding | None = None
    retryable: bool = False
    restored: bool = False  # whether a failed switch was undone completely
    by_itself: bool = False  # nobody asked: the lease was over and the agent acted by its policy
    evidence: dict[str, Any] = field(default_factory=dict)  # of the lookup that proves an undo or a check, {} without one


Report = StepDone | Finished
ToAgent = Challenge | Enrolled | Welcome | Instruct | Rehearse | Inquire | Ack | Refused | Beat
ToGateway = Enrol | Hello | Inventory | Rehearsed | Inquired | StepDone | Finished | Beat
Message = ToAgent | ToGateway

TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        Challenge, Enrolled, Welcome, Instruct, Rehearse, Inquire, Ack, Refused, Beat,
        Enrol, Hello, Inventory, Rehearsed, Inquired, StepDone, Finished,
    )
}  # fmt: skip


# Fields that older versions send and that are ignored.
_RETIRED: dict[type, frozenset[str]] = {Hello: frozenset({"epoch", "seq"})}


def hello_payload(nonce: str, agent: str) -> bytes:
    """The bytes that a known agent signs to prove its identity on exactly this connection."""
    return f"tillway hello {VERSION}\n{nonce}\n{agent}".encode()


def enrol_payload(nonce: str, token: str, public_key: str) -> bytes:
    """The bytes that a new agent signs, so that nobody can enrol another device's public key."""
    return f"tillway enrol {VERSION}\n{nonce}\n{token}\n{public_key}".encode()


def dump(message: Message) -> str:
    """A message as one line of JSON, its type and the protocol's version first."""
    return json.dumps({"type": type(message).__name__, "v": VERSION, **dataclasses.asdict(message)}, separators=(",", ":"))


def dump_signed(order: Instruction | Rehearsal) -> str:
    """The text that is signed: canonical JSON."""
    return json.dumps(dataclasses.asdict(order), separators=(",", ":"), sort_keys=True)


def parse(text: str | bytes) -> Message:
    """The message in this text. Raises ProtocolError naming the field that is wrong."""
    return _message(text, bound=True)


def parse_own(text: str) -> Report:
    """A report from this agent's own journal. Bounds are not checked, see bounds.mended()."""
    return typing.cast(Report, _message(text, bound=False))


def parse_instruction(text: str) -> Instruction:
    """The instruction in a signed body. Raises ProtocolError naming the field that is wrong."""
    return typing.cast(Instruction, build(Instruction, _load(text)))


def parse_rehearsal(text: str) -> Rehearsal:
    """The part of a rehearsal in a signed body. Raises ProtocolError naming the field that is wrong."""
    return typing.cast(Rehearsal, build(Rehearsal, _load(text)))


def parse_signed(cls: type[T], text: str) -> T:
    """The order of this kind in a signed body. Raises ProtocolError naming the field that is wrong."""
    return typing.cast(T, build(cls, _load(text)))


def _message(text: str | bytes, *, bound: bool) -> Message:
    data = _load(text)
    cls = TYPES.get(str(data.pop("type", None)))
    if cls is None:
        raise ProtocolError("type", "is not a message of this protocol")
    if data.pop("v", None) != VERSION:
        raise ProtocolError("v", f"this side speaks protocol version {VERSION}")
    for name in _RETIRED.get(cls, ()):
        data.pop(name, None)
    return typing.cast(Message, build(cls, data, "", bound=bound))


def _load(text: str | bytes) -> dict[str, Any]:
    if len(text) > MAX_MESSAGE_BYTES:
        raise ProtocolError("message", f"is larger than {MAX_MESSAGE_BYTES} bytes")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("message", "is not JSON") from error
    if not isinstance(data, dict):
        raise ProtocolError("message", "is not an object")
    return data
