"""The last word on a path: `cryptography`'s own verifier, over exactly the path that our checks found valid.

It gets the profile of public CAs, loosened only where terminals are more lenient (docs/preflight.md, "Ordinary private
PKI") and a check of ours, in usage.py or chain.py, covers the same thing. A refusal is always an error. There are two
exceptions, each with its reason and its test here."""

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.flaws import flaw_of
from fleet.preflight.certificate.hosts import Host, parse_host
from fleet.preflight.certificate.path.paths import Route
from fleet.preflight.certificate.path.shadow import shadow
from fleet.preflight.certificate.strength import is_weak_anchor
from fleet.preflight.certificate.tolerant.library import Refused, ask

_ANY = Criticality.AGNOSTIC
# Missing key identifiers, key usage and extended key usage of CAs: chain.py.
_CA = (
    ExtensionPolicy.webpki_defaults_ca()
    .may_be_present(x509.AuthorityKeyIdentifier, Criticality.NON_CRITICAL, None)
    .may_be_present(x509.KeyUsage, _ANY, None)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, None)
    .may_be_present(x509.CertificatePolicies, _ANY, None)
    .require_present(x509.BasicConstraints, _ANY, None)
)
# The server's own: usage.py. Its names stay under the library's rules.
_SERVER = (
    ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(x509.AuthorityKeyIdentifier, Criticality.NON_CRITICAL, None)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, None)
    .may_be_present(x509.CertificatePolicies, _ANY, None)
)

# What the library's messages mean; the first that fits counts. For each of these a check of ours should have found the
# error before, so this is a safety net.
_MEANINGS = (
    ("no matching subjectAltName", Code.NAME_MISMATCH),
    ("not valid at validation time", Code.EXPIRED),
    ("signature does not match", Code.BAD_SIGNATURE),
    ("name constraint", Code.NAME_CONSTRAINTS),
    ("nameConstraints", Code.NAME_CONSTRAINTS),
    ("Forbidden signature algorithm", Code.WEAK_SIGNATURE),
    ("Forbidden public key algorithm", Code.KEY_TYPE),
    ("RSA key is too weak", Code.WEAK_KEY),
    ("path length", Code.PATH_LENGTH),
    ("chain depth", Code.PATH_LENGTH),
    ("critical", Code.UNKNOWN_CRITICAL_EXTENSION),
    ("duplicate extension", Code.DUPLICATE_EXTENSION),
)


def last_word(route: Route, host: Host | None, moment: dt.datetime, most_intermediates: int) -> list[CertificateFinding]:
    """What the library has against this path at this moment (UTC). host: None when none was named; then one of the
    certificate's own names is used, because the verifier needs a name."""
    if route.pinned:
        return []  # Exception 1: a certificate that terminals have themselves needs no path.
    host = host or own_host(route.certs[0])
    policy = PolicyBuilder().time(moment.astimezone(dt.UTC).replace(tzinfo=None))
    policy = policy.max_chain_depth(min(most_intermediates, 255))
    policy = policy.extension_policies(ca_policy=_CA, ee_policy=_SERVER)
    try:
        return _word(route, host, policy)
    except Refused as error:
        return [CertificateFinding(Code.HOST_NOT_CHECKABLE, f'the host "{host.text}" cannot be checked: {host.fault or error}')]


def _word(route: Route, host: Host, policy: PolicyBuilder) -> list[CertificateFinding]:
    """The library is asked about the path as it is. Where it refuses the path or cannot read it, it is asked about the
    shadow, which differs only in what tolerant/ names."""
    readable = all(cert.is_strict for cert in route.certs)
    refusal = _refusal(policy, host, [cert.raw for cert in route.certs]) if readable else None
    if readable and (refusal is None or _is_excepted(refusal, route)):
        return []
    instead = shadow(route)
    if instead is None:
        odd = CertificateFinding(
            Code.WEAK_SIGNATURE, "a signature on the path is of no kind that terminals verify", route.certs[0].label
        )
        return [_meaning(refusal, route) if refusal is not None else odd]
    refusal = _refusal(policy, host, instead.certs)
    if refusal is not None and not _is_excepted(refusal, route):
        return [_meaning(refusal, route)]
    return [flaw_of(cert, tolerance) for cert, tolerance in instead.flaws]


def _refusal(policy: PolicyBuilder, host: Host, certs: Sequence[x509.Certificate]) -> str | None:
    """The library's message against these certificates; None when it accepts them. Raises Refused when it cannot be asked."""
    verifier = ask(lambda: policy.store(Store([certs[-1]])).build_server_verifier(_subject(host)))
    try:
        ask(lambda: verifier.verify(certs[0], list(certs[1:-1])))
    except Refused as error:
        return str(error)
    return None


def own_host(leaf: Cert) -> Host:
    """One of the certificate's own names as a host; a host with a fault when none can be checked."""
    names = leaf.value(x509.SubjectAlternativeName)
    entries = [*names.get_values_for_type(x509.DNSName), *names.get_values_for_type(x509.IPAddress)] if names else []
    hosts = [parse_host(str(entry).replace("*.", "any.", 1)) for entry in entries]
    return next((host for host in hosts if not host.fault), Host("", fault="none of the certificate's names can be"))


def _subject(host: Host) -> verification.Subject:
    return x509.IPAddress(host.address) if host.address is not None else x509.DNSName(host.name or "")


def _is_excepted(words: str, route: Route) -> bool:
    """Exception 2: the strength of the anchor's key (weak_key is about keys below the root), and directory names in
    constraints. constraints.py compares those; the library gives up on them before it looks at anything else."""
    weak_root = "RSA key is too weak" in words and is_weak_anchor(route.anchor)
    return weak_root or "unsupported directoryName constraint" in words


def _meaning(words: str, route: Route) -> CertificateFinding:
    code = next((code for part, code in _MEANINGS if part in words), Code.MALFORMED_INPUT)
    if code is Code.BAD_SIGNATURE and any(cert.self_issued for cert in route.certs[1:-1]):
        # With two CAs of one name the library tries both and reports the last. It counts a CA's change of keys in the
        # path's length, and RFC 5280 does not.
        code = Code.PATH_LENGTH
    plain = words.removeprefix("validation failed: ").partition(" (encountered processing")[0]
    return CertificateFinding(code, f"the path to the root is refused: {plain[:200]}", route.certs[0].label)
