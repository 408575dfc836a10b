"""What scripts get, for the OpenAPI document. The views answer with plain dictionaries, because a
cutover of 700 terminals is read ten times a second; the tests hold both together."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from agents.protocol import Finding
from fleet.api.fields import CutoverState, RunState, TerminalState


class Response(BaseModel):
    """Closed, so that a test finds a key that is not documented."""

    model_config = ConfigDict(extra="forbid")


class Cause(Response):
    """What first made a cutover pause, roll back or need a person by itself. `code` is the device's own finding's;
    `devices`: whom it is about, 20 at most."""

    code: str
    message: str
    remedy: str
    devices: list[str]


class Site(Response):
    """One venue. `server`: its server's id; `active_cutover`: the one that may act by itself just now."""

    id: int
    name: str
    zone: str = Field(description="IANA time zone")
    server: int | None
    terminals: int
    two_persons: bool = Field(description="The approver must be somebody else than the requester.")
    active_cutover: int | None


class Presence(Response):
    """The agent of a device, as the gateway sees it."""

    connected: bool
    last_seen: AwareDatetime | None


class Terminal(Response):
    """`state`: in the latest started cutover of its site, or idle. `scheme`, `host` and `port`: what its
    agent last read in its settings, null before. `agent`: null until one is enrolled."""

    id: int
    name: str
    site: int
    state: TerminalState
    scheme: Literal["http", "https"] | None
    host: str | None
    port: int | None
    note: str
    tags: list[str]
    agent: Presence | None


class Server(Terminal):
    """`certificates`: those of the machine's store that the agent found."""

    certificates: list[dict[str, Any]]


class Window(Response):
    """When the outage may happen. Times are in UTC, `zone` is the site's."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    zone: str


class Wave(Response):
    """As it was planned."""

    size: int | None = None
    percent: int | None = None
    max_failed: int | None = None
    max_failed_percent: int | None = None


class CutoverSummary(Response):
    """`counts`: terminals by state (the server is not among them). `reason`: why the cutover is in this
    state. `cause`: what first made it pause, roll back or need a person by itself; set once, it stays.
    `point_of_no_return`: a full rollback fits into the window until then; Roll back is allowed after it, too.
    `exclude`: terminals that stay as they are. A draft has no device runs yet."""

    id: int
    state: CutoverState
    site: int
    from_scheme: Literal["http", "https"]
    to_scheme: Literal["http", "https"]
    direction: Literal["forward", "back"]
    reason: str
    finding: Finding | None
    cause: Cause | None
    window: Window
    duration_minutes: int
    point_of_no_return: AwareDatetime | None
    on_window_close: Literal["finish", "hold", "roll_back"]
    on_threshold: Literal["roll_back", "pause"]
    waves: list[Wave] = Field(description="Empty: a canary of one, then the rest with 10 percent.")
    exclude: list[str]
    certificate_thumbprint: str | None = Field(description="null: chosen when the cutover is approved")
    note: str
    requested_by: str | None
    approved_by: str | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    rested_at: AwareDatetime | None  # the key that scripts know; in the code: ended_at
    counts: dict[str, int]


class DeviceRun(Response):
    """One device in this cutover. `outage_ms`: from the server's last answer in the old scheme to this
    terminal's first lookup in the new one; null until it is verified. `cut_off_ms`: how long a terminal had no
    proven lookup, until the first in whichever scheme it ended; null while that lasts, or where it never was cut
    off; `cut_off_since`: since when, while it lasts. `finding`: of a device that failed; it stays when the device
    was restored afterwards. `wave` counts from 0."""

    device: str
    kind: Literal["server", "terminal"]
    state: RunState
    wave: int
    step: str | None
    outage_ms: int | None
    cut_off_ms: int | None
    cut_off_since: AwareDatetime | None
    attempts: int
    finding: Finding | None


class CutoverWithRuns(CutoverSummary):
    """One cutover with all of its device runs: the server first, then the terminals in order of name."""

    device_runs: list[DeviceRun]


class Transition(Response):
    """One change of state; `device` is null for the cutover's own."""

    at: AwareDatetime
    device: str | None
    from_: str | None = Field(alias="from")
    to: str
    actor: str
    reason: str


class ReadinessItem(Response):
    """One thing found. `code` never changes its meaning; `device`: null for the site as a whole."""

    code: str
    severity: Literal["error", "warning", "info", "fine"]
    title: str
    device: str | None
    message: str
    remedy: str


class Readiness(Response):
    """`verdict`: blocked by any error, unknown while no rehearsal was held. `cutover`: the plan whose certificate, window
    and excluded terminals were asked about; `rehearsal`: the one that counts. The gravest items come first."""

    site: int
    verdict: Literal["ready", "warnings", "blocked", "unknown"]
    counts: dict[str, int] = Field(description="Items by severity.")
    cutover: int | None
    rehearsal: int | None
    items: list[ReadinessItem]


class TerminalCheck(Response):
    """One terminal in a rehearsal. `ready`: null without an answer. The times are milliseconds: of its first lookup as a
    whole (`cold_ms`) and of the parts of it."""

    device: str
    ready: bool | None
    finding: Finding | None
    answered_at: AwareDatetime | None
    cold_ms: float | None
    dns_ms: float | None
    tcp_ms: float | None
    tls_ms: float | None
    tls: str | None


class RehearsalSummary(Response):
    """`state` is at rest in done and failed; `finding`: why no terminal could be asked. `after`: the completed cutover
    whose real price this measured, null for a rehearsal."""

    id: int
    site: int
    state: Literal["opening", "asking", "done", "failed"]
    after: int | None
    thumbprint: str
    requested_by: str | None = Field(description="null: the site's schedule")
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    finding: Finding | None
    counts: dict[str, int] = Field(description="Terminals: ready, not_ready, no_answer.")


class Rehearsal(RehearsalSummary):
    """One of them with every terminal's seat, in order of name."""

    seats: list[TerminalCheck]


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
    """`count`: how many match; `items`: this page of them, in order of name."""

    count: int
    items: list[Terminal]


class Cutovers(Response):
    """All that match, oldest first."""

    count: int
    items: list[CutoverSummary]


class Transitions(Response):
    """Every change of state of one cutover, oldest first."""

    count: int
    items: list[Transition]


class AttentionItem(Response):
    """One thing that a person should look at. `site`: its id; `device`: a name, null for the site as a whole; `url`: the
    page where one deals with it. Messages and remedies may hold devices' own words: plain text, to be escaped."""

    code: str
    severity: Literal["error", "warning"]
    site: int
    device: str | None
    message: str
    remedy: str
    url: str


class Attention(Response):
    """`count`: how many there are; `items`: the gravest 200 of them, in a stable order."""

    count: int
    items: list[AttentionItem]


class FieldError(Response):
    """`field` is a path such as `waves[0].percent`."""

    field: str
    message: str


class Problem(Response):
    """RFC 9457. `errors` names every wrong field of a 422."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
