"""A site to assess, as the JSON that its agents would send: healthy, and varied as a real one. Tests spoil one thing."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes

from agents.protocol import Finding
from fleet.device_facts.parse import parse_check, parse_finding, parse_listener, parse_server, parse_terminal
from fleet.preflight.site.check import assess
from fleet.preflight.site.readiness import Readiness
from fleet.preflight.site.reading import check_view, rehearsal_view, server_view, terminal_view
from fleet.preflight.site.view import Contact, SiteView
from tests.preflight.pki import NOW, YEAR, Issued, ca, server

PORT = 10101
HOSTS = ("netpos.club.example", "NetPOS", "10.0.0.5")
APPID = "{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}"
IIS_EXPRESS = "{214124cd-d05b-4309-9af9-9caa44b2b74a}"
ROOT = ca("Club Root")
OTHER_ROOT = ca("Brewery Root")
ISSUING = ca("Club Issuing CA", ROOT)
LEAF = server(ISSUING, *HOSTS)


def thumbprint(issued: Issued) -> str:
    """As Windows shows it."""
    return issued.cert.fingerprint(hashes.SHA1()).hex().upper()


THUMBPRINT = thumbprint(LEAF)


def stored(**changes: Any) -> dict[str, Any]:
    """The certificate as the server's inventory has it."""
    return {
        "thumbprint": THUMBPRINT,
        "subject": "CN=netpos.club.example",
        "issuer": "CN=Club Issuing CA",
        "names": list(HOSTS),
        "not_before": (NOW - YEAR).isoformat(),
        "not_after": (NOW + 5 * YEAR).isoformat(),
        "has_key": True,
        "readable": True,
        "machine_key": True,
    } | changes


def server_facts(**changes: Any) -> dict[str, Any]:
    """A server on HTTP with its monitor, another program's binding elsewhere, and tills connected."""
    return {
        "port": PORT,
        "scheme": "http",
        "error": None,
        "services": [
            {"name": "NetPOS.Net", "state": "running", "start_type": "auto"},
            {"name": "SwiftPOS Services Monitor", "state": "running", "start_type": "auto"},
        ],
        "service": {"name": "NetPOS.Net", "state": "running", "start_type": "auto", "dependents": []},
        "recovery": {"restarts": True},
        "certificates": [stored()],
        "urlacl": [
            {"url": f"http://+:{PORT}/", "sddl": "D:(A;;GX;;;WD)"},
            {"url": "https://*:5358/", "sddl": "D:(A;;GX;;;LS)"},
        ],
        "sslcert": [
            {"endpoint": "0.0.0.0:8443", "certhash": "61" * 20, "appid": IIS_EXPRESS, "store": "MY"},
        ],
        "iplisten": [],
        "owner": None,
        "peers": [{"address": "10.0.0.11", "connections": 2}, {"address": "127.0.0.1", "connections": 1}],
        "writable": None,
        "free_mb": 51_200,
        "clock_offset_ms": -40,
        "os": "Windows-10-10.0.20348",
        "tls": ["TLSv1.2", "TLSv1.3"],
        "access_code": "0123456789ab",
        "agent_version": "1.4.0",
    } | changes


def terminal_facts(number: int, **changes: Any) -> dict[str, Any]:
    """One till of many: name or address of the server, old Windows or new, clocks a little off."""
    return {
        "host": HOSTS[number % len(HOSTS)],
        "port": PORT,
        "scheme": "http",
        "error": None,
        "timeout_s": 6 if number % 4 else 10,
        "writable": None,
        "free_mb": 220 + 977 * number,
        "clock_offset_ms": (number % 7 - 3) * 40_000,
        "os": ("Windows-7-6.1.7601", "Windows-10-10.0.19045", "Windows-10-10.0.17763")[number % 3],
        "tls": ["TLSv1", "TLSv1.1", "TLSv1.2"] if number % 3 == 0 else ["TLSv1.2", "TLSv1.3"],
        "roots": {"count": 2 + number % 60, "thumbprints": []},
        "access_code": "0123456789ab" if number % 5 else None,
        "agent_version": "1.4.0",
    } | changes


def check_facts(number: int, facts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What this till saw."""
    return {
        "host": facts["host"],
        "port": facts["port"],
        "timeout_s": facts["timeout_s"],
        "address": "10.0.0.5",
        "own_address": f"10.0.{number // 200}.{number % 200 + 10}",
        "clock_offset_ms": facts["clock_offset_ms"],
        "dns_ms": 3.0,
        "tcp_ms": 1.5,
        "tls_ms": 40.0 + number % 30,
        "cold_ms": 60.0 + 20 * (number % 40),
        "tls": "TLSv1.2" if number % 3 == 0 else "TLSv1.3",
        "thumbprint": THUMBPRINT,
        "roots": [ROOT.pem.decode()],
        "samples": {},
        "bytes": {},
    } | changes


@dataclass
class Sketch:
    """A site whose parts a test may change before it is assessed."""

    server: dict[str, Any] | None
    terminals: dict[str, dict[str, Any]]
    checks: dict[str, dict[str, Any]]
    contacts: dict[str, Contact] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    alarms: dict[str, Any] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    addresses: dict[str, str] = field(default_factory=dict)
    rehearsed: bool = True
    rehearsal: dict[str, Any] = field(default_factory=dict)
    rehearsed_at: dt.datetime = NOW - dt.timedelta(hours=5)
    thumbprint: str = THUMBPRINT
    failure: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    def view(self) -> SiteView:
        """What the rules are given."""
        checks = [
            check_view(name, name not in self.silent, parse_finding(self.findings.get(name)), parse_check(facts))
            for name, facts in self.checks.items()
        ]
        rehearsal = rehearsal_view(self.rehearsed_at, self.thumbprint, parse_listener(self.rehearsal), checks)
        return SiteView(
            now=NOW,
            server=None
            if self.server is None
            else server_view(
                "netpos",
                self.contacts.get("netpos", "yes"),
                parse_server(self.server),
                alarm=self._alarm("netpos"),
                by_hand="netpos" in self.by_hand,
            ),
            terminals=tuple(
                terminal_view(
                    n,
                    self.contacts.get(n, "yes"),
                    parse_terminal(facts),
                    alarm=self._alarm(n),
                    by_hand=n in self.by_hand,
                    address=self.addresses.get(n, ""),
                )
                for n, facts in self.terminals.items()
            ),
            rehearsal=rehearsal if self.rehearsed else None,
            failed=parse_finding(self.failure),
            **self.options,
        )

    def _alarm(self, name: str) -> Finding | None:
        return parse_finding(self.alarms.get(name))

    def assess(self) -> Readiness:
        """The answer."""
        return assess(self.view())


def healthy(terminals: int = 6) -> Sketch:
    """A site with nothing to complain about. The tills are T000, T001, ..."""
    tills = {f"T{number:03}": terminal_facts(number) for number in range(terminals)}
    checks = {name: check_facts(number, facts) for number, (name, facts) in enumerate(tills.items())}
    chain = [LEAF.pem.decode(), ISSUING.pem.decode()]
    return Sketch(
        server_facts(),
        tills,
        checks,
        rehearsal={"port": 50001, "plain_port": 50002, "chain": chain, "cpu_ms": {"full": 2.4, "resumed": 0.3}},
    )
