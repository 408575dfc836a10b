"""Is this path valid? Every rule about the certificates of one path, below the anchor (the root that the path ends at) and
of the anchor. RFC 5280 section 6.1; what terminals do not enforce is a warning."""

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.flaws import check_flaws
from fleet.preflight.certificate.path.constraints import check_constraints
from fleet.preflight.certificate.path.paths import Route, Search
from fleet.preflight.certificate.path.policies import check_policies
from fleet.preflight.certificate.path.signatures import Link, signed_by
from fleet.preflight.certificate.strength import check_anchor_key, check_key, check_signature_hash
from fleet.preflight.certificate.usage import critical_extensions
from fleet.preflight.certificate.validity import is_valid

_SERVES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


def check_route(route: Route) -> list[CertificateFinding]:
    """Findings about a path that hold at any time and for any host. A path with an error is not valid."""
    found = [finding for cert, link in zip(route.certs, route.links, strict=False) for finding in _signature(cert, link)]
    for place, cert in enumerate(route.certs[1:], 1):
        found += [cert.fault] if cert.fault else _issuer(cert, place, route)
        found += check_anchor_key(cert) if cert == route.anchor else check_key(cert)
    return [*found, *check_constraints(route), *check_policies(route), *_anchor(route)]


def _signature(cert: Cert, link: Link) -> list[CertificateFinding]:
    """The anchor has no link: terminals have it already, so its own signature does not matter."""
    found = check_signature_hash(cert)
    if not found and link is Link.UNKNOWN:
        found.append(CertificateFinding(Code.WEAK_SIGNATURE, "its signature cannot be verified by terminals", cert.label))
    return found


def _issuer(cert: Cert, place: int, route: Route) -> list[CertificateFinding]:
    if _is_version_1_anchor(cert, route):
        # RFC 5280 6.1.4 (k): version 1 counts as a CA by other means; here, by the terminal's own root store.
        return [
            *check_flaws(cert),
            CertificateFinding(Code.PROFILE_GAP, "this root is of version 1, which cannot mark a CA", cert.label),
        ]
    return [
        *check_flaws(cert),
        *critical_extensions(cert),
        *_authority(cert),
        *_path_length(cert, place, route),
        *_usage(cert),
        *_gaps(cert, cert == route.anchor),
    ]


def _is_version_1_anchor(cert: Cert, route: Route) -> bool:
    """One that another CA signed does not count: it would be an intermediate, which must say that it is a CA."""
    return cert == route.anchor and cert.raw.version is x509.Version.v1 and cert.self_issued


def _authority(cert: Cert) -> list[CertificateFinding]:
    if not cert.has_subject:
        return [CertificateFinding(Code.MALFORMED_INPUT, "it issues certificates and has no name", cert.label)]
    if cert.is_ca:
        return []
    if cert.value(x509.BasicConstraints) is None:
        return [
            CertificateFinding(Code.NOT_A_CA, "it issues, but does not say that it is a CA (no basic constraints)", cert.label)
        ]
    return [CertificateFinding(Code.NOT_A_CA, "it issues certificates and says that it is not a CA", cert.label)]


def _path_length(cert: Cert, place: int, route: Route) -> list[CertificateFinding]:
    constraints = cert.value(x509.BasicConstraints)
    if constraints is None or constraints.path_length is None:
        return []
    below = sum(1 for other in route.certs[1:place] if not other.self_issued)
    if below <= constraints.path_length:
        return []
    message = f"it allows {constraints.path_length} CAs below itself, and {below} are there"
    return [CertificateFinding(Code.PATH_LENGTH, message, cert.label)]


def _usage(cert: Cert) -> list[CertificateFinding]:
    found = []
    usage = cert.value(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        found.append(CertificateFinding(Code.KEY_USAGE, "this CA's key usage does not allow signing certificates", cert.label))
    extended = cert.value(x509.ExtendedKeyUsage)
    if extended is not None and not any(purpose in extended for purpose in _SERVES):
        found.append(
            CertificateFinding(Code.EKU_CHAIN, "this CA is not made for issuing to servers (extended key usage)", cert.label)
        )
    return found


def _gaps(cert: Cert, is_anchor: bool) -> list[CertificateFinding]:
    """What the profile of public CAs requires and terminals do not: docs/preflight.md, "Ordinary private PKI"."""
    gaps = []
    constraints = cert.extension(x509.BasicConstraints)
    if cert.key_id is None:
        gaps.append("it does not name its own key (no subject key identifier)")
    if cert.value(x509.KeyUsage) is None:
        gaps.append("it does not say what its key is for (no key usage)")
    if constraints is not None and not constraints.critical:
        gaps.append("its basic constraints are not marked critical")
    if cert.issuer_key_id is None and not is_anchor:
        gaps.append("it does not name its issuer's key (no authority key identifier)")
    return [CertificateFinding(Code.PROFILE_GAP, f"this CA: {gap}", cert.label) for gap in gaps]


def leads_on(route: Route, given: Sequence[Cert], anchors: Sequence[Cert], moment: dt.datetime) -> bool:
    """Whether the anchor is a CA below another root that terminals have, and the path to that root is valid."""
    others = [anchor for anchor in anchors if anchor != route.anchor]
    onward = Search(route.anchor, given, others).routes()
    return any(_is_sound(Route((*route.certs, *way.certs[1:]), (*route.links, *way.links)), moment) for way in onward)


def _is_sound(route: Route, moment: dt.datetime) -> bool:
    against = [one for one in check_route(route) if one.is_error or one.code is Code.ANCHOR_NOT_SELF_SIGNED]
    return not against and all(is_valid(cert, moment) for cert in route.certs)


def _anchor(route: Route) -> list[CertificateFinding]:
    if route.pinned:
        return [
            CertificateFinding(
                Code.SELF_SIGNED_PINNED, "it is self-signed, and terminals have this very one", route.anchor.label
            )
        ]
    if route.anchor.self_issued and route.anchor.issuer_key_id in (None, route.anchor.key_id):
        return []
    return [
        CertificateFinding(Code.ANCHOR_NOT_SELF_SIGNED, "terminals trust this CA directly, without a root", route.anchor.label)
    ]


def check_anchor_signature(anchor: Cert) -> list[CertificateFinding]:
    """A path does not need the root's own signature. But a root whose own signature is wrong is not the one that terminals
    have."""
    if anchor.self_issued and anchor.issuer_key_id in (None, anchor.key_id) and signed_by(anchor, anchor) is Link.BAD:
        return [CertificateFinding(Code.BAD_SIGNATURE, "this root's own signature is wrong: the file is damaged", anchor.label)]
    return []
