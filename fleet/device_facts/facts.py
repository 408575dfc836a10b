"""What agents tell about their devices: plain frozen values. The content is the devices' own and is not checked; parse.py
bounds it. None means everywhere: the device did not tell it, or told something of another type."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agents.catalogue import Restart
from fleet.device_facts.lenient import mapping, text, whole

Scheme = Literal["http", "https"]


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One certificate in the server's store."""

    thumbprint: str  # SHA-1, 40 hexadecimal digits in upper case; in ServerFacts.listed any text, "" for none
    subject: str | None = None
    issuer: str | None = None
    not_before: dt.datetime | None = None  # UTC
    not_after: dt.datetime | None = None  # UTC
    has_key: bool | None = None
    readable: bool | None = None  # the agent has signed with the key; None: it did not try
    machine_key: bool | None = None  # the key is the computer's; False: it lies in a user's profile
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """The subject for use in a message: at most 200 characters."""
        return text(self.subject, 200)


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """One certificate binding of http.sys."""

    endpoint: str  # ADDRESS:PORT, or CCS:PORT for the Central Certificate Store
    port: int | None
    certhash: str | None  # None where it could not be read, and for the Central Certificate Store, which has none
    appid: str | None
    rehearsal: bool = False  # the agent made it for a rehearsal and removes it afterwards

    @property
    def central(self) -> bool:
        """Whether http.sys takes this port's certificates from the Central Certificate Store."""
        return self.endpoint.startswith("CCS:")


@dataclass(frozen=True, slots=True)
class ReservationFacts:
    """One URL reservation of http.sys."""

    url: str
    scheme: str  # what stands before the colon, in lower case
    port: int | None  # None where the URL names none
    sddl: str | None
    refused: str | None = None  # why a cutover could not move it and bring it back; None: it can


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One Windows service."""

    name: str
    state: str | None = None  # running, stopped, pending
    start_type: str | None = None  # auto, delayed-auto, demand, disabled
    dependents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Peer:
    """An address with established connections to the server's port."""

    address: str
    connections: int


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A terminal's newest request that the server answered, by its access log."""

    scheme: str | None
    at_ms: int | None  # milliseconds since 1970, the dashboard's time


@dataclass(frozen=True, slots=True)
class SeenTable:
    """The newest requests in the server's access log, by terminal or by address. A row is read when it is asked for: there may
    be 2,000 of them, and one is needed."""

    rows: Mapping[str, Any] = field(repr=False)

    def of(self, key: str) -> SeenRequest | None:
        """The newest request that named itself so, or came from this address."""
        row = mapping(self.rows.get(key))
        return SeenRequest(text(row.get("scheme"), 10), whole(row.get("at_ms"), 0)) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """What the inventory of any device tells."""

    told: bool = False  # an inventory has arrived
    error: str | None = None  # the first thing that should have been readable and was not
    own_name: str | None = None  # what the agent calls the device; for comparing only, not for showing
    scheme: Scheme | None = None
    host: str | None = None  # the server's host, exactly as typed at a terminal; a server does not tell it
    port: int | None = None
    writable: str | None = None  # why the settings cannot be rewritten; None: they can
    free_mb: int | None = None  # free space on the disk with the agent's state, MiB
    clock_offset_ms: int | None = None  # the dashboard's time minus the device's
    os: str | None = None
    tls: tuple[str, ...] | None = None  # the versions that the device can speak
    access_code: str | None = None  # a hash of it
    version: str | None = None  # the agent's


@dataclass(frozen=True, slots=True)
class TouchFacts:
    """Touch as a program, by the terminal's own clock. Times are milliseconds since 1970."""

    running: bool | None = None  # None: the agent cannot tell
    since_ms: int | None = None  # when it started
    settings_changed_ms: int | None = None  # when its settings were last changed


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalFacts(DeviceFacts):
    """What a terminal's inventory tells."""

    timeout_s: float | None = None  # how long the terminal waits for an answer
    restart: Restart | None = None  # how its agent restarts Touch; None: it does not
    touch: TouchFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts(DeviceFacts):
    """What a server's inventory tells. A list that is None was not told; an empty list was told as empty."""

    listed: tuple[StoredCertificate, ...] | None = None  # the store as told, for pages and the API only
    certificates: tuple[StoredCertificate, ...] | None = None  # those of `listed` with a valid thumbprint
    bindings: tuple[BindingFacts, ...] | None = None
    reservations: tuple[ReservationFacts, ...] | None = None
    iplisten: tuple[str, ...] | None = None
    services: tuple[ServiceFacts, ...] | None = None  # NetPOS.Net, then the monitor
    service: ServiceFacts | None = None  # NetPOS.Net with its dependents
    restarts: bool | None = None  # Windows starts the service again by itself
    owner: str | None = None  # the program that holds the port, where that is not http.sys
    peers: tuple[Peer, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFacts:
    """What a terminal tells after its check in a rehearsal. Times are milliseconds."""

    host: str | None = None
    port: int | None = None
    timeout_s: float | None = None
    address: str | None = None  # the server's, as the terminal resolved it
    own_address: str | None = None
    clock_offset_ms: int | None = None  # the dashboard's time minus the terminal's
    dns_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    cold_ms: float | None = None  # the first lookup with everything that belongs to it
    tls: str | None = None
    thumbprint: str | None = None  # of the certificate that the terminal was shown, in upper case
    roots: tuple[str, ...] | None = None  # PEM of those of its roots that may have issued the chain
    samples: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by kind of lookup
    sizes: Mapping[str, float] = field(default_factory=dict)  # bytes of one lookup, both directions, by kind of lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerFacts:
    """What a server tells when it has opened its shadow listener for a rehearsal."""

    port: int | None = None  # with TLS
    plain_port: int | None = None  # without TLS
    chain: tuple[str, ...] = ()  # PEM as it is sent, the server's own certificate first
    cpu_full_ms: float | None = None  # the server's processor time for one handshake; None on Windows
    cpu_resumed_ms: float | None = None  # the same for a resumed session

    @property
    def ports(self) -> tuple[int, int] | None:
        """The port with TLS and the one without; None unless both were told."""
        return (self.port, self.plain_port) if self.port and self.plain_port else None
