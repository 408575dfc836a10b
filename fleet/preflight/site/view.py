"""A site as readiness sees it: plain frozen values, no database. Each view is what a device told (fleet.device_facts) and
what the dashboard knows about that device besides."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from agents.protocol import Finding
from fleet.device_facts.facts import CheckFacts, ServerFacts, StoredCertificate, TerminalFacts

Contact = Literal["yes", "no", "none"]  # none: the device was never enrolled, or its agent was revoked


@dataclass(frozen=True, slots=True)
class TerminalView(TerminalFacts):
    """One terminal."""

    name: str
    contact: Contact
    alarm: Finding | None = None  # what is wrong with its agent itself, as the dashboard has seen
    by_hand: bool = False  # it is marked so: a person sets it, and its agent is not asked
    address: str = ""  # its own, as a person has entered it


@dataclass(frozen=True, slots=True)
class ServerView(ServerFacts):
    """The server."""

    name: str
    contact: Contact
    alarm: Finding | None = None  # what is wrong with its agent itself, as the dashboard has seen
    by_hand: bool = False  # it is marked so: a person sets it, and its agent is not asked


DeviceView = ServerView | TerminalView


@dataclass(frozen=True, slots=True)
class TerminalCheckView(CheckFacts):
    """One terminal's check in the last rehearsal."""

    terminal: str
    answered: bool  # False: no answer came
    finding: Finding | None = None  # why the terminal is not ready


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """The last rehearsal in which terminals were asked."""

    at: dt.datetime  # when it ended, UTC
    thumbprint: str  # of the certificate that was tried
    chain: tuple[str, ...] = ()  # PEM as the server sends it, its own certificate first
    checks: tuple[TerminalCheckView, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteView:
    """The whole site at one moment, with what its plan says."""

    now: dt.datetime  # UTC
    server: ServerView | None
    terminals: tuple[TerminalView, ...]
    rehearsal: RehearsalView | None = None
    probe_changed: bool = False  # the cutover would ask by another probe profile than the rehearsal did
    failed: Finding | None = None  # why a later rehearsal failed; None: none failed
    excluded: frozenset[str] = frozenset()  # names of the terminals that stay as they are
    policy_hours: int | None = None  # how old a rehearsal may be; None: the site requires none
    thumbprint: str = ""  # of the certificate that the plan names; "": it names none
    window: tuple[dt.datetime, dt.datetime] | None = None  # its start and end, UTC; None: nothing is planned

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
        """The checks of the last rehearsal by terminal; empty without a rehearsal."""
        return {check.terminal: check for check in self.rehearsal.checks} if self.rehearsal else {}


def newest(server: ServerFacts | None, now: dt.datetime) -> StoredCertificate | None:
    """The certificate that a cutover takes when its plan names none: the one with a key that is valid now and ends last. One
    whose key is in a user's profile is taken only where there is no other. None when no certificate fits."""
    rows = [row for row in (server.certificates or () if server else ()) if row.has_key and row.not_after is not None]
    valid = [row for row in rows if row.not_after is not None and row.not_after > now]
    return max(valid, key=lambda row: (row.machine_key is not False, str(row.not_after), row.thumbprint), default=None)


def wanted(view: SiteView) -> StoredCertificate | None:
    """The certificate that the cutover would bind, as the store has it; None when the store does not have it."""
    if not view.thumbprint:
        return newest(view.server, view.now)
    rows = view.server.certificates or () if view.server else ()
    return next((row for row in rows if row.thumbprint == view.thumbprint.upper()), None)
