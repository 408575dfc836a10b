"""What scripts get, for the OpenAPI document. The views answer with plain dictionaries, because a cutover of 700 terminals
is read ten times a second; the tests compare the two."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from agents.protocol import Finding
from fleet.api.fields import CutoverState, RunState, TerminalState


class Response(BaseModel):
    """No other keys are allowed, so that a test finds a key that is not documented."""

    model_config = ConfigDict(extra="forbid")


class Cause(Response):
    """What first made a cutover pause, roll back or need a person without a person asking for it."""

    code: str = Field(description="The code of the device's finding.")
    message: str
    remedy: str
    devices: list[str] = Field(description="The devices that it is about, 20 at most.")


class Site(Response):
    """One venue."""

    id: int
    name: str
    zone: str = Field(description="IANA time zone")
    member: str = Field(description="The number of the test member that every proof asks for.")
    server: int | None = Field(description="Its server's id.")
    terminals: int
    two_persons: bool = Field(description="The requester cannot approve.")
    active_cutover: int | None = Field(description="The id of the cutover that may act now.")


class Presence(Response):
    """The agent of a device, as the gateway sees it."""

    connected: bool
    last_seen: AwareDatetime | None


class Terminal(Response):
    """A terminal. What its agent has not read yet is null."""

    id: int
    name: str
    site: int
    state: TerminalState = Field(description="In the latest started cutover of its site, or idle.")
    scheme: Literal["http", "https"] | None = Field(
        description="As its agent last read it in the settings; of a terminal by hand as a person last said."
    )
    host: str | None = Field(description="As its agent last read it in the settings.")
    port: int | None = Field(description="As its agent last read it in the settings.")
    address: str | None = Field(description="Its own IP address, where a person has entered it.")
    by_hand: bool = Field(
        description="A person sets it in a cutover: it was marked so, or it is a terminal on which no agent is enrolled."
    )
    note: str
    tags: list[str]
    agent: Presence | None = Field(description="null until an agent is enrolled.")


class Server(Terminal):
    """A server."""

    certificates: list[dict[str, Any]] = Field(description="Those in the machine's store.")


class Window(Response):
    """When the outage may happen."""

    starts_at: AwareDatetime = Field(description="UTC.")
    ends_at: AwareDatetime = Field(description="UTC.")
    zone: str = Field(description="The site's IANA time zone.")


class Wave(Response):
    """A wave as it was planned."""

    size: int | None = None
    percent: int | None = None
    max_failed: int | None = None
    max_failed_percent: int | None = None


class CutoverSummary(Response):
    """A cutover without its device runs. A draft has no device runs yet."""

    id: int
    state: CutoverState
    site: int
    from_scheme: Literal["http", "https"]
    to_scheme: Literal["http", "https"]
    direction: Literal["forward", "back"]
    reason: str = Field(description="Why the cutover is in this state.")
    finding: Finding | None
    cause: Cause | None = Field(
        description="Set once when the cutover first pauses, rolls back or needs a person by itself; never changed after that."
    )
    window: Window
    duration_minutes: int
    point_of_no_return: AwareDatetime | None = Field(
        description="Until then a full rollback fits into the window. A rollback is allowed after it, too."
    )
    on_window_close: Literal["finish", "hold", "roll_back"]
    on_threshold: Literal["roll_back", "pause"]
    waves: list[Wave] = Field(description="Empty: a canary of one, then the rest with 10 percent.")
    exclude: list[str] = Field(description="Names of terminals that stay as they are.")
    certificate_thumbprint: str | None = Field(description="null: chosen when the cutover is approved")
    note: str
    by_hand_minutes: int = Field(description="How long a person may take for one device by hand.")
    requested_by: str | None
    approved_by: str | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    rested_at: AwareDatetime | None  # scripts know this key; the field of the model is ended_at
    counts: dict[str, int] = Field(description="Terminals by state, without the server.")


class DeviceRun(Response):
    """One device in this cutover."""

    device: str
    kind: Literal["server", "terminal"]
    state: RunState
    wave: int = Field(description="Counts from 0.")
    step: str | None
    outage_ms: int | None = Field(
        description="Milliseconds from the server's last answer in the old scheme to this terminal's first lookup in the "
        "new one; null until it is verified."
    )
    cut_off_ms: int | None = Field(
        description="Milliseconds without a proven lookup, until the first one in the scheme that the terminal ended with; "
        "null while that lasts, and for a terminal that was never cut off."
    )
    cut_off_since: AwareDatetime | None = Field(description="When that began; null when the terminal is not cut off now.")
    attempts: int
    by_hand: bool = Field(description="A person sets it; no agent is asked.")
    proof: Literal["application", "transport", "person"] | None = Field(
        description="What shows that it works: for a terminal by hand a person's word, or, where the server has seen its "
        "address connect over TLS since, transport."
    )
    answered_by: str | None = Field(description="Who answered last for a device by hand.")
    answered_at: AwareDatetime | None
    finding: Finding | None = Field(description="Why the device failed; it stays when the device is restored afterwards.")


class CutoverWithRuns(CutoverSummary):
    """One cutover with all of its device runs: the server first, then the terminals in order of name."""

    device_runs: list[DeviceRun]


class Transition(Response):
    """One change of state."""

    at: AwareDatetime
    device: str | None = Field(description="null for a change of the cutover's own state.")
    from_: str | None = Field(alias="from")
    to: str
    actor: str
    reason: str


class ReadinessItem(Response):
    """One thing found."""

    code: str = Field(description="Never changes its meaning.")
    severity: Literal["error", "warning", "info", "fine"]
    title: str
    device: str | None = Field(description="null for the site as a whole.")
    message: str
    remedy: str


class Readiness(Response):
    """Whether a site may be moved."""

    site: int
    verdict: Literal["ready", "warnings", "blocked", "unknown"] = Field(
        description="blocked: there is an error; unknown: no rehearsal was held."
    )
    counts: dict[str, int] = Field(description="Items by severity.")
    cutover: int | None = Field(description="The plan whose certificate, window and excluded terminals were used.")
    rehearsal: int | None = Field(description="The rehearsal that counts.")
    items: list[ReadinessItem] = Field(description="Errors first.")


class TerminalCheck(Response):
    """One terminal in a rehearsal. Times are milliseconds."""

    device: str
    ready: bool | None = Field(description="null without an answer.")
    finding: Finding | None
    answered_at: AwareDatetime | None
    cold_ms: float | None = Field(description="The first lookup as a whole.")
    dns_ms: float | None = Field(description="A part of the first lookup.")
    tcp_ms: float | None = Field(description="A part of the first lookup.")
    tls_ms: float | None = Field(description="A part of the first lookup.")
    tls: str | None = Field(description="The version, for example TLSv1.3.")


class RehearsalSummary(Response):
    """A rehearsal, or the measurement after a cutover, without its terminals."""

    id: int
    site: int
    state: Literal["opening", "asking", "done", "failed"] = Field(description="done and failed are final.")
    after: int | None = Field(description="The completed cutover whose real cost this measured; null for a rehearsal.")
    thumbprint: str
    requested_by: str | None = Field(description="null: the site's schedule")
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    finding: Finding | None = Field(description="Why no terminal could be asked.")
    counts: dict[str, int] = Field(description="Terminals: ready, not_ready, no_answer.")


class Rehearsal(RehearsalSummary):
    """A rehearsal with every terminal, in order of name."""

    seats: list[TerminalCheck] = Field(description="What each terminal saw.")


class Rehearsals(Response):
    """Those of one site that are kept, newest first."""

    count: int
    items: list[RehearsalSummary]


class Sites(Response):
    """All sites, in order of name."""

    count: int
    items: list[Site]


class Servers(Response):
    """All servers, in order of name."""

    count: int
    items: list[Server]


class Terminals(Response):
    """One page of terminals, in order of name."""

    count: int = Field(description="How many match.")
    items: list[Terminal] = Field(description="This page of them.")


class Cutovers(Response):
    """All that match, oldest first."""

    count: int
    items: list[CutoverSummary]


class Transitions(Response):
    """Every change of state of one cutover, oldest first."""

    count: int
    items: list[Transition]


class AttentionItem(Response):
    """One thing that a person should look at. Messages and remedies may contain text from devices: plain text, to be
    escaped."""

    code: str
    severity: Literal["error", "warning"]
    site: int = Field(description="Its id.")
    device: str | None = Field(description="Its name; null for the site as a whole.")
    message: str
    remedy: str
    url: str = Field(description="The page where a person deals with it.")


class Attention(Response):
    """What needs attention, the most severe first."""

    count: int = Field(description="How many there are.")
    items: list[AttentionItem] = Field(description="The first 200, in a stable order.")


class FieldError(Response):
    """One wrong field."""

    field: str = Field(description="A path such as `waves[0].percent`.")
    message: str


class Problem(Response):
    """An error, RFC 9457. `errors` names every wrong field of a 422."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
