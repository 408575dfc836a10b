"""A site as readiness sees it: plain frozen values, no database. Everything in here is devices' own words, made harmless
by site_reading.py; None means that the device did not say, or said something else than it should."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Contact = Literal["yes", "no", "none"]  # none: nobody was enrolled for the device, or its agent was revoked


@dataclass(frozen=True, slots=True)
class Said:
    """A finding as an agent words it: one line each, cut short."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What servers and terminals tell alike. told: an inventory has come; error: what it could not read; writable: why
    the settings cannot be rewritten, None when they can; free_mb: free room on its disk; clock_offset_ms: the
    dashboard's time minus the device's; tls: versions it can speak, None unknown; access_code: a hash of it; alarm: what is
    wrong with its agent itself, by what the dashboard has seen."""

    name: str
    contact: Contact
    told: bool = False
    error: str | None = None
    scheme: str | None = None
    port: int | None = None
    writable: str | None = None
    free_mb: int | None = None
    clock_offset_ms: int | None = None
    os: str | None = None
    tls: tuple[str, ...] | None = None
    access_code: str | None = None
    version: str | None = None
    alarm: Said | None = None


@dataclass(frozen=True, slots=True)
class TerminalView(DeviceView):
    """A till. host: exactly as typed there; timeout_s: how long it waits for an answer."""

    host: str | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One certificate of the server's store. machine_key: its key is the computer's, not in a user's profile; readable:
    the agent has used it. has_key, machine_key, readable: None where nobody looked or could tell."""

    thumbprint: str
    subject: str | None = None
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None
    has_key: bool | None = None
    readable: bool | None = None
    machine_key: bool | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BindingView:
    """A certificate binding of http.sys. endpoint: CCS:PORT for the Central Certificate Store, which has no certhash;
    certhash: None where it could not be read; rehearsal: the server's agent has
    made it for a rehearsal and takes it away with it."""

    endpoint: str
    port: int | None
    certhash: str | None
    appid: str | None
    rehearsal: bool = False

    @property
    def central(self) -> bool:
        """Whether http.sys takes this port's certificates from the Central Certificate Store."""
        return self.endpoint.startswith("CCS:")


@dataclass(frozen=True, slots=True)
class ReservationView:
    """A URL reservation of http.sys. port: None where the URL has none; refused: why a cutover could not move it and bring
    it back, None where it can."""

    url: str
    scheme: str
    port: int | None
    sddl: str | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A Windows service. state: running, stopped, pending; start_type: auto, delayed-auto, demand, disabled."""

    name: str
    state: str | None = None
    start_type: str | None = None
    dependents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Peer:
    """An address with established connections to the server's port."""

    address: str
    connections: int


@dataclass(frozen=True, slots=True)
class ServerView(DeviceView):
    """The server. Lists are None where it did not tell them, which is not the same as empty. services: NetPOS.Net, then
    the monitor; restarts: whether Windows starts the service again by itself; owner: the program that holds the
    port where that is not http.sys."""

    certificates: tuple[Stored, ...] | None = None
    bindings: tuple[BindingView, ...] | None = None
    reservations: tuple[ReservationView, ...] | None = None
    iplisten: tuple[str, ...] | None = None
    services: tuple[ServiceView, ...] | None = None
    service: ServiceView | None = None
    restarts: bool | None = None
    owner: str | None = None
    peers: tuple[Peer, ...] | None = None


@dataclass(frozen=True, slots=True)
class TerminalCheckView:
    """What one terminal saw in the last rehearsal. answered: False for silence. The times are milliseconds; cold_ms:
    the first lookup with all that belongs to it; roots: PEM of those of its roots that may have issued the chain."""

    terminal: str
    answered: bool
    finding: Said | None = None
    host: str | None = None
    port: int | None = None
    timeout_s: float | None = None
    address: str | None = None
    own_address: str | None = None
    clock_offset_ms: int | None = None
    cold_ms: float | None = None
    tls: str | None = None
    thumbprint: str | None = None
    roots: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """The last rehearsal in which terminals were asked. at: when it ended; chain: PEM, as the server sends it, its own
    certificate first."""

    at: dt.datetime
    thumbprint: str
    chain: tuple[str, ...] = ()
    checks: tuple[TerminalCheckView, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteView:
    """All of it. now: UTC; failed: why a later rehearsal could not be held, None where none failed; excluded: names of
    terminals that stay as they are; policy_hours: how old a rehearsal may be, None when the site asks for none;
    thumbprint: the certificate that the plan names, "" when it names none; window: its start and end, UTC, None while
    nothing is planned."""

    now: dt.datetime
    server: ServerView | None
    terminals: tuple[TerminalView, ...]
    rehearsal: RehearsalView | None = None
    failed: Said | None = None
    excluded: frozenset[str] = frozenset()
    policy_hours: int | None = None
    thumbprint: str = ""
    window: tuple[dt.datetime, dt.datetime] | None = None

    @property
    def taking_part(self) -> tuple[TerminalView, ...]:
        """The terminals that the cutover would move."""
        return tuple(terminal for terminal in self.terminals if terminal.name not in self.excluded)

    @property
    def devices(self) -> tuple[DeviceView, ...]:
        """The server, if there is one, and the terminals that take part."""
        return (*((self.server,) if self.server else ()), *self.taking_part)

    @property
    def moved(self) -> bool:
        """Whether the server is on HTTPS already: there is nothing left to rehearse."""
        return self.server is not None and self.server.scheme == "https"

    def checks(self) -> dict[str, TerminalCheckView]:
        """The seats of the last rehearsal by terminal; empty without one."""
        return {check.terminal: check for check in self.rehearsal.checks} if self.rehearsal else {}


def newest(server: ServerView | None, now: dt.datetime) -> Stored | None:
    """The certificate that a cutover takes when its plan names none: with a key, valid now, and the longest so; one whose
    key is in a user's profile only where there is no other."""
    rows = [row for row in (server.certificates or () if server else ()) if row.has_key and row.not_after is not None]
    valid = [row for row in rows if row.not_after is not None and row.not_after > now]
    return max(valid, key=lambda row: (row.machine_key is not False, str(row.not_after), row.thumbprint), default=None)


def wanted(view: SiteView) -> Stored | None:
    """The certificate that the cutover would bind, as the store has it; None when there is none such."""
    if not view.thumbprint:
        return newest(view.server, view.now)
    rows = view.server.certificates or () if view.server else ()
    return next((row for row in rows if row.thumbprint == view.thumbprint.upper()), None)
