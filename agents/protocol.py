"""What agent and dashboard say to each other: one frozen dataclass per message, versioned.

A connection is one WebSocket over TLS, opened by the agent. The gateway speaks first:

    gateway  Challenge            a nonce to sign, the dashboard's clock
    agent    Enrol | Hello        a one-time token and a new public key, or a known agent's signature and the proof of
                                  what it was told last
    gateway  Enrolled | Welcome   or Refused, and the connection closes
    gateway  Instruct             a signed Instruction; stored before it is sent
    agent    StepDone, Finished   numbered, kept on disk until acknowledged
    agent    Inventory            what the device looks like
    gateway  Rehearse             a signed Rehearsal: look, measure, change nothing
    agent    Rehearsed            what was seen; kept nowhere, a rehearsal can be repeated
    gateway  Ack                  everything up to n is in the database
    both     Beat                 every few seconds; the dashboard's beat renews the lease

Signatures are Ed25519. Times are milliseconds since the epoch by the dashboard's clock: an agent
learns the difference from Challenge.now_ms, so a till with a dead clock battery still reports true times.

Neither side believes the other's numbers: each number and each short text has bounds (Within, Longest), and a message
with one that is out of them is no message.
"""

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

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
    ProtocolError,
    Secret,
    Version,
    Words,
    build,
)

__all__ = ["MOST", "ProtocolError"]

VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024

Role = Literal["server", "terminal"]
Scheme = Literal["http", "https"]
Action = Literal["arm", "switch", "undo", "verify"]
Direction = Literal["forward", "back"]
Outcome = Literal["done", "failed", "undo_failed", "refused"]
Policy = Literal["finish", "restore"]
ProbeAction = Literal["open", "ask", "close"]

# The kinds of lookups that a terminal measures in a rehearsal: where it asks (http: the live port; plain and https: the shadow
# listener without and with TLS), and over which connection (new, kept open, or new with a resumed TLS session).
LOOKUP_KINDS = ("http_new", "http_kept", "plain_new", "plain_kept", "https_new", "https_resumed", "https_kept")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know: a stable code, what happened and why, what to do."""

    code: Name
    message: Words
    remedy: Words


@dataclass(frozen=True, slots=True)
class Instruction:
    """One job for one agent, valid only with the dashboard's signature (see Instruct).

    seq grows with every instruction for this agent, epoch with every change of a cutover's direction:
    an agent refuses what is older than anything it has accepted. lease_ms: how long the agent goes on
    without hearing from the dashboard before it acts by `policy` on its own.
    """

    agent: Name
    seq: Number
    epoch: Number
    cutover: Number
    action: Action
    to_scheme: Scheme
    steps: tuple[Name, ...]
    port: Port
    thumbprint: Name | None
    member: Name
    expires_ms: Moment
    lease_ms: Duration
    policy: Policy = "restore"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One part of a rehearsal for one agent, valid only with the dashboard's signature (see Rehearse). Nothing on
    the device is changed by it, so there is nothing to undo and no journal.

    open: the server listens on two spare ports, one with the certificate `thumbprint` and one without TLS, and
    forwards what comes to the live `port`, until `expires_ms` at the latest. ask: a terminal makes lookups at `port`,
    `shadow_port` and `plain_port`, or at `port` alone where these are 0, `samples` of each kind, after at most
    `spread_ms`, and so evenly that a round of one of each takes `pace_ms`; issuers: the subjects (base64 of their
    DER) of which it shall say whether its root store has them. close: the listener ends.
    """

    agent: Name
    rehearsal: Number
    action: ProbeAction
    port: Port
    member: Name
    expires_ms: Moment
    thumbprint: Name | None = None
    shadow_port: Port = 0
    plain_port: Port = 0
    samples: Count = 0
    spread_ms: Duration = 0
    pace_ms: Duration = 0
    issuers: tuple[str, ...] = ()


# --- gateway to agent ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Challenge:
    """First word on every connection. The agent signs `nonce` (see hello_payload)."""

    nonce: Name
    now_ms: Moment


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The one-time token was good: this device is `agent` from now on; signing_key is the dashboard's
    Ed25519 public key (base64, raw), with which every instruction is signed."""

    agent: Name
    signing_key: Key


@dataclass(frozen=True, slots=True)
class Welcome:
    """The agent is known. Reports up to `acked` are in the database: send those after it again."""

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
class Ack:
    """Every report up to and including n is in the database."""

    n: Number


@dataclass(frozen=True, slots=True)
class Refused:
    """The agent may not speak here; the connection closes. code: unknown_agent, bad_signature, bad_token, key_in_use,
    revoked, identity_used_twice, replaced, bad_message, too_much, not_ready."""

    code: Name
    message: Words


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life in either direction, with the sender's idea of the dashboard's clock."""

    now_ms: Moment


# --- agent to gateway ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enrol:
    """Ask to become a known agent: one-time token, the public key made on the device (base64, raw
    Ed25519), and a signature of enrol_payload() by it."""

    token: Secret
    public_key: Key
    role: Role
    name: Name
    signature: Key


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest instruction that an agent has accepted, byte for byte as the dashboard signed it: so that a dashboard
    restored from an old backup is noticed, and by nothing else."""

    body: Body
    signature: Key


@dataclass(frozen=True, slots=True)
class Hello:
    """A known agent speaks: signature of hello_payload() by its key. life: random, made when this process began, so
    that two programs with one identity are found. proof: None where nothing was accepted yet, or by an agent of an older
    version, which said two bare numbers in its place."""

    agent: Name
    signature: Key
    version: Version
    life: Life = ""
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the device looks like now, sent after each welcome, after each change and now and then. Never trusted
    as text: everything in it is shown escaped. docs/agent-protocol.md lists the facts."""

    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What this device saw in a rehearsal; docs/agent-protocol.md lists the facts of each action. finding: why it
    is not ready, None when all went well."""

    rehearsal: Number
    action: ProbeAction
    facts: dict[str, Any]
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step was applied and verified (direction forward), or undone (back)."""

    n: Number
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
    """An instruction has come to its end. `scheme` is what the device speaks now by its own settings,
    None where that could not be read; `restored` tells whether a failed switch was undone completely.
    evidence: of the lookup that proves an undo or a check, {} where there was none.
    `by_itself`: nobody asked, the lease had run out and the agent acted by its policy."""

    n: Number
    seq: Number
    epoch: Number
    cutover: Number
    action: Action
    outcome: Outcome
    at_ms: Moment
    scheme: Scheme | None
    finding: Finding | None = None
    retryable: bool = False
    restored: bool = False
    by_itself: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


Report = StepDone | Finished
ToAgent = Challenge | Enrolled | Welcome | Instruct | Rehearse | Ack | Refused | Beat
ToGateway = Enrol | Hello | Inventory | Rehearsed | StepDone | Finished | Beat
Message = ToAgent | ToGateway

TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        Challenge, Enrolled, Welcome, Instruct, Rehearse, Ack, Refused, Beat,
        Enrol, Hello, Inventory, Rehearsed, StepDone, Finished,
    )
}  # fmt: skip


# What older versions say and nobody listens to any more.
_RETIRED: dict[type, frozenset[str]] = {Hello: frozenset({"epoch", "seq"})}


def hello_payload(nonce: str, agent: str) -> bytes:
    """The bytes that a known agent signs to prove who it is on this very connection."""
    return f"tillway hello {VERSION}\n{nonce}\n{agent}".encode()


def enrol_payload(nonce: str, token: str, public_key: str) -> bytes:
    """The bytes that a new agent signs, so that a public key cannot be enrolled by a stranger."""
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
    """A report that this very agent has written down once, whatever its numbers: see bounds.mended."""
    return typing.cast(Report, _message(text, bound=False))


def parse_instruction(text: str) -> Instruction:
    """The instruction in a signed body. Raises ProtocolError naming the field that is wrong."""
    return typing.cast(Instruction, build(Instruction, _load(text)))


def parse_rehearsal(text: str) -> Rehearsal:
    """The part of a rehearsal in a signed body. Raises ProtocolError naming the field that is wrong."""
    return typing.cast(Rehearsal, build(Rehearsal, _load(text)))


def _message(text: str | bytes, *, bound: bool) -> Message:
    data = _load(text)
    cls = TYPES.get(str(data.pop("type", None)))
    if cls is None:
        raise ProtocolError("type", "is no message of this protocol")
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
