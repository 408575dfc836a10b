"""May this certificate serve TLS? The rules about its own extensions, which hold for every path to a root."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.flaws import check_flaws
from fleet.preflight.certificate.path.policies import MAPPINGS, read_mappings

# Extensions that the path check or a check of ours evaluates. Any other one that is marked critical must be refused.
UNDERSTOOD: frozenset[type[x509.ExtensionType]] = frozenset(
    (
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectAlternativeName,
        x509.NameConstraints,
        x509.CertificatePolicies,
        # policies.py. RFC 5280 4.2: applications MUST recognize them.
        x509.PolicyConstraints,
        x509.InhibitAnyPolicy,
    )
)
# RFC 5280 4.2.1.1, 4.2.1.2 and 4.2.2.1: these are never marked critical.
NEVER_CRITICAL: frozenset[type[x509.ExtensionType]] = frozenset(
    (
        x509.AuthorityKeyIdentifier,
        x509.SubjectKeyIdentifier,
        x509.AuthorityInformationAccess,
    )
)


def check_usage(leaf: Cert, pinned: bool) -> list[CertificateFinding]:
    """Findings about the server's own certificate. pinned: it is itself among the terminals' roots."""
    if leaf.fault:
        return [leaf.fault]
    if not leaf.subject_is_readable:
        return [CertificateFinding(Code.MALFORMED_INPUT, "its subject cannot be read", leaf.label)]
    return [
        *check_flaws(leaf),
        *critical_extensions(leaf),
        *_basic_constraints(leaf, pinned),
        *_extended(leaf),
        *_key_usage(leaf, pinned),
        *_constraints(leaf, pinned),
        *_gaps(leaf, pinned),
    ]


def critical_extensions(cert: Cert) -> list[CertificateFinding]:
    """Extensions marked critical that terminals do not know, or that must not be marked so. RFC 5280 4.2."""
    found = []
    for extension in cert.extensions:
        if not extension.critical or type(extension.value) in UNDERSTOOD or _is_readable_mapping(extension):
            continue
        known = type(extension.value) in NEVER_CRITICAL
        what = "is marked critical, which the standard forbids" if known else "is marked critical and unknown to terminals"
        message = f"its extension {extension.oid.dotted_string} {what}"
        found.append(CertificateFinding(Code.UNKNOWN_CRITICAL_EXTENSION, message, cert.label))
    return found


def _is_readable_mapping(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """Policy mappings are given unparsed by the library."""
    value = extension.value
    return extension.oid == MAPPINGS and isinstance(value, x509.UnrecognizedExtension) and read_mappings(value) is not None


def _basic_constraints(leaf: Cert, pinned: bool) -> list[CertificateFinding]:
    if not leaf.is_ca:
        return []
    if pinned:
        # `openssl req -x509` marks every self-signed certificate as a CA; a terminal that has this very one trusts it.
        return [CertificateFinding(Code.PROFILE_GAP, "it is marked as a CA, as self-signed certificates often are", leaf.label)]
    return [CertificateFinding(Code.CA_AS_LEAF, "it is a CA certificate, not a server certificate", leaf.label)]


def _extended(leaf: Cert) -> list[CertificateFinding]:
    extension = leaf.extension(x509.ExtendedKeyUsage)
    if extension is None:
        return [
            CertificateFinding(Code.EKU_ABSENT, "it does not say what it may be used for (no extended key usage)", leaf.label)
        ]
    if ExtendedKeyUsageOID.SERVER_AUTH not in extension.value:
        shown = ", ".join(getattr(usage, "_name", usage.dotted_string) for usage in extension.value)
        return [CertificateFinding(Code.EKU_NO_SERVER_AUTH, f"it is not for servers, but for: {shown}", leaf.label)]
    if extension.critical:
        return [CertificateFinding(Code.PROFILE_GAP, "its extended key usage is marked critical", leaf.label)]
    return []


def _key_usage(leaf: Cert, pinned: bool) -> list[CertificateFinding]:
    usage = leaf.value(x509.KeyUsage)
    if usage is None:
        return []
    # A TLS server signs (ECDHE) or, with RSA and old suites, decrypts the session's secret. RFC 5246 7.4.2.
    may_serve = usage.digital_signature or (isinstance(leaf.key, rsa.RSAPublicKey) and usage.key_encipherment)
    if not may_serve:
        return [CertificateFinding(Code.KEY_USAGE, "its key usage does not allow a TLS server", leaf.label)]
    if usage.key_cert_sign and not leaf.is_ca and not pinned:
        return [CertificateFinding(Code.KEY_USAGE, "its key usage allows signing certificates, and it is not a CA", leaf.label)]
    return []


def _constraints(leaf: Cert, pinned: bool) -> list[CertificateFinding]:
    if leaf.value(x509.NameConstraints) is None or pinned:
        return []
    return [CertificateFinding(Code.NAME_CONSTRAINTS, "it limits names, which only a CA certificate may do", leaf.label)]


def _gaps(leaf: Cert, pinned: bool) -> list[CertificateFinding]:
    if leaf.issuer_key_id is None and not pinned:
        return [
            CertificateFinding(Code.PROFILE_GAP, "it does not name its issuer's key (no authority key identifier)", leaf.label)
        ]
    return []
