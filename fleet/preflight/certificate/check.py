"""The certificate preflight: a Request in, a Verdict out. The order of the questions, and which answers count."""

import datetime as dt
from dataclasses import dataclass
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding, Profile, Verdict, once
from fleet.preflight.certificate.hosts import Host
from fleet.preflight.certificate.keys import check_keys
from fleet.preflight.certificate.names import check_names
from fleet.preflight.certificate.order import check_order
from fleet.preflight.certificate.path.chain import check_anchor_signature, check_route, leads_on
from fleet.preflight.certificate.path.dead_ends import explain
from fleet.preflight.certificate.path.library import last_word
from fleet.preflight.certificate.path.paths import MOST_INTERMEDIATES, Route, Search
from fleet.preflight.certificate.strength import check_key
from fleet.preflight.certificate.usage import check_usage
from fleet.preflight.certificate.validity import check_validity, is_valid

# Paths to a root that are compared with each other. Cross-signed CAs give two or three.
_MOST_ROUTES = 16


@dataclass(frozen=True, slots=True)
class Request:
    """All that one check needs."""

    leaf: Cert | None  # the server's own certificate; None when the files hold none
    given: tuple[Cert, ...]  # every certificate of the server's files, in their order
    anchors: tuple[Cert, ...]  # the roots that the terminal really has
    hosts: tuple[Host, ...]
    times: tuple[dt.datetime, ...]  # UTC, earliest first, at least one
    keys: tuple[PrivateKeyTypes, ...] = ()
    key_expected: bool = False  # a file was given that must hold the key
    profile: Profile = Profile.TERMINALS
    most_intermediates: int = MOST_INTERMEDIATES  # CAs between the server's certificate and the root
    faults: tuple[CertificateFinding, ...] = ()  # what was found while the files were read


@dataclass(frozen=True, slots=True)
class _Way:
    """A path with the findings about it that hold at any time."""

    route: Route
    findings: tuple[CertificateFinding, ...]

    @property
    def errors(self) -> int:
        return sum(1 for finding in self.findings if finding.is_error)


def check(request: Request) -> Verdict:
    """The verdict: suitable when no finding is an error. Raises nothing for what is in a certificate."""
    leaf = request.leaf
    found = list(request.faults)
    if leaf is not None:
        found += check_keys(leaf, request.keys, request.key_expected) if not _key_failed(request) else []
        found += _check_leaf(request, leaf)
    return Verdict(once(found), request.times, request.profile)


def _check_leaf(request: Request, leaf: Cert) -> list[CertificateFinding]:
    search = Search(leaf, request.given, request.anchors, request.most_intermediates)
    ways = _ways(search, request.times)
    pinned = any(way.route.pinned for way in ways)
    own = [*check_usage(leaf, pinned), *check_key(leaf)]
    own += [] if leaf.fault else check_names(leaf, request.hosts)
    if not ways:
        way = max(search.dead_ends, key=lambda end: len(end.certs)).certs if search.dead_ends else (leaf,)
        own += explain(search, request.given)
        own += [finding for cert in way for finding in check_validity(cert, request.times, cert == leaf)]
        return own + check_order(request.given, way)
    return own + _weigh(request, ways, sound=not any(finding.is_error for finding in own))


def _ways(search: Search, times: tuple[dt.datetime, ...]) -> list[_Way]:
    """The paths to a root, up to the first without an error."""
    ways = []
    for route in islice(search.routes(), _MOST_ROUTES):
        ways.append(_Way(route, tuple(check_route(route))))
        if not ways[-1].errors and not any(_invalid(route, moment) for moment in times):
            break
    return ways


def _weigh(request: Request, ways: list[_Way], sound: bool) -> list[CertificateFinding]:
    """The findings of the best path for each moment. sound: the server's own certificate has no error; only then the
    library is asked about the path."""
    found: list[CertificateFinding] = []
    moments: dict[Cert, list[dt.datetime]] = {}
    for number, moment in enumerate(request.times):
        best = min(ways, key=lambda way: (way.errors + _invalid(way.route, moment), len(way.route.certs)))
        found += best.findings
        for cert in best.route.certs:
            moments.setdefault(cert, []).append(moment)
        found += check_order(request.given, best.route.certs)
        found = _without_false_warning(found, best.route, request, moment)
        if sound and not best.errors and not _invalid(best.route, moment):
            found += check_anchor_signature(best.route.anchor)
            found += _library(request, best.route, moment, hosts=request.hosts if number == 0 else request.hosts[:1])
    for cert in moments:
        # With every moment asked for, not only those where this path was the best: which ones fail decides the code.
        bad = [moment for moment in moments[cert] if not is_valid(cert, moment)]
        found += check_validity(cert, request.times, cert == request.leaf) if bad else []
    return found


def _without_false_warning(
    found: list[CertificateFinding], route: Route, request: Request, moment: dt.datetime
) -> list[CertificateFinding]:
    """Without the warning that terminals trust a CA without its root, where they have the root above it as well."""
    warned = [finding for finding in found if finding.code is Code.ANCHOR_NOT_SELF_SIGNED]
    if not warned or not leads_on(route, request.given, request.anchors, moment):
        return found
    return [finding for finding in found if finding not in warned or finding.cert != route.anchor.label]


def _library(request: Request, route: Route, moment: dt.datetime, hosts: tuple[Host, ...]) -> list[CertificateFinding]:
    return [
        finding
        for host in hosts or (None,)
        if host is None or not host.fault
        for finding in last_word(route, host, moment, request.most_intermediates)
    ]


def _invalid(route: Route, moment: dt.datetime) -> int:
    return sum(1 for cert in route.certs if not is_valid(cert, moment))


def _key_failed(request: Request) -> bool:
    """The key could not be read at all. That has its own finding, and whether the key fits cannot be said."""
    return any(finding.code in (Code.BAD_PASSWORD, Code.MALFORMED_INPUT) for finding in request.faults) and not request.keys
