"""A path in which each certificate is replaced by a twin that the library's verifier accepts, signed by throw-away keys. So
the library still has the last word on certificates that it cannot read as they are: names, limits, usages, lengths,
critical extensions. The replacement hides signatures and keys from the library; they are checked here and in chain.py."""

from dataclasses import dataclass, replace
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import SignatureAlgorithmOID

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.path.paths import Route
from fleet.preflight.certificate.path.signatures import Link
from fleet.preflight.certificate.tolerant.asn1 import BIT_STRING, INTEGER, OID, SEQUENCE, encode, first
from fleet.preflight.certificate.tolerant.certificate import Parts
from fleet.preflight.certificate.tolerant.extensions import (
    BASIC_CONSTRAINTS,
    INHIBIT_ANY_POLICY,
    KEY_USAGE,
    POLICY_CONSTRAINTS,
    POLICY_MAPPINGS,
    SUBJECT_NAMES,
    Extension,
)
from fleet.preflight.certificate.tolerant.library import Refused, ask
from fleet.preflight.certificate.tolerant.tolerances import Tolerance

# policies.py has judged them; the library does not know them.
_JUDGED = frozenset((POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY))
_VERSION_3 = bytes.fromhex("a003020102")
_ONE = encode(INTEGER, b"\x01")
_LONGEST_SERIAL = 2 + 20  # RFC 5280 4.1.2.2, with its tag and length.
_SHA256 = encode(SEQUENCE, encode(OID, bytes.fromhex("2a8648ce3d040302")))  # ecdsa-with-SHA256
# The algorithms of keys, RFC 8017 A.1 and RFC 5480 2.1.1: rsaEncryption with NULL; P-256, P-384 and P-521 by name.
_CURVES = ("2a8648ce3d030107", "2b81040022", "2b81040023")
_KEYS = (
    bytes.fromhex("300d06092a864886f70d0101010500"),
    *[encode(SEQUENCE, encode(OID, bytes.fromhex("2a8648ce3d0201")), encode(OID, bytes.fromhex(one))) for one in _CURVES],
)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_RSA_SIGNATURES = (
    SignatureAlgorithmOID.RSA_WITH_SHA256, SignatureAlgorithmOID.RSA_WITH_SHA384, SignatureAlgorithmOID.RSA_WITH_SHA512,
)  # fmt: skip
_ECDSA_SIGNATURES = (
    SignatureAlgorithmOID.ECDSA_WITH_SHA256, SignatureAlgorithmOID.ECDSA_WITH_SHA384, SignatureAlgorithmOID.ECDSA_WITH_SHA512,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the library is asked about in place of a path."""

    certs: tuple[x509.Certificate, ...]  # the twins, the server's first
    flaws: tuple[tuple[Cert, Tolerance], ...]  # what had to be corrected, by certificate


def shadow(route: Route) -> Shadow | None:
    """The path's shadow; None where it would not differ from the path, or where a signature does not count."""
    below = route.certs[:-1]
    if any(link is not Link.GOOD for link in route.links) or len(route.links) != len(below):
        return None
    if not all(takes_signature(cert) for cert in below) or not all(takes_key(cert) for cert in route.certs):
        return None
    adjusted = [_adjusted(cert, place, route) for place, cert in enumerate(route.certs)]
    if any(parts is None for parts, _ in adjusted) or not any(differs for _, differs in adjusted):
        return None
    try:
        signed = tuple(_signed(parts, place, len(adjusted)) for place, (parts, _) in enumerate(adjusted) if parts)
    except Refused:
        return None
    return Shadow(signed, tuple((cert, flaw) for cert in route.certs for flaw in (cert.twin.used if cert.twin else ())))


def takes_signature(cert: Cert) -> bool:
    """Whether the library accepts the algorithm of a certificate's signature, however its parameters are written."""
    if cert.twin is None:
        return False
    raw = cert.twin.raw
    if raw.signature_algorithm_oid in (*_RSA_SIGNATURES, *_ECDSA_SIGNATURES):
        return True
    if raw.signature_algorithm_oid != SignatureAlgorithmOID.RSASSA_PSS:
        return False
    try:
        digest, parameters = raw.signature_hash_algorithm, raw.signature_algorithm_parameters
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(digest, _HASHES) and isinstance(parameters, padding.PSS) and _is_usual(digest, parameters)


def takes_key(cert: Cert) -> bool:
    """Whether the library accepts a certificate's key, in its kind and in the way it is written: RSA, or a named curve."""
    return cert.twin is not None and first(first(cert.twin.parts.key).content).whole in _KEYS


def _is_usual(digest: hashes.HashAlgorithm, parameters: padding.PSS) -> bool:
    """CA/Browser Forum BR 7.1.3.2.1: one hash for all, and a salt of its length."""
    mask = parameters.mgf._algorithm
    return mask.name == digest.name and parameters._salt_length == digest.digest_size


def _adjusted(cert: Cert, place: int, route: Route) -> tuple[Parts | None, bool]:
    """A certificate's parts as the verifier accepts them, and whether they differ from the original."""
    if cert.twin is None:
        return None, False
    parts = cert.twin.parts
    extensions = tuple(_adjusted_extensions(parts.extensions, has_subject=cert.has_subject))
    made = replace(parts, extensions=extensions)
    if cert == route.anchor:
        made = _as_anchor(made)
    return made, made != parts or bool(cert.twin.used)


def _adjusted_extensions(extensions: tuple[Extension, ...], *, has_subject: bool) -> list[Extension]:
    kept = [one for one in extensions if one.kind not in _JUDGED]
    # RFC 5280 4.2.1.6 only advises against marking them critical beside a subject; names.py warns of it.
    return [replace(one, critical=False) if one.kind == SUBJECT_NAMES and has_subject else one for one in kept]


def _as_anchor(parts: Parts) -> Parts:
    """RFC 5280 6.1: an anchor is a name and a key. chain.py has judged its version and its serial number."""
    serial = parts.serial if len(parts.serial) <= _LONGEST_SERIAL else _ONE
    if parts.version:
        return replace(parts, serial=serial)
    is_ca = Extension(BASIC_CONSTRAINTS, critical=True, value=bytes.fromhex("30030101ff"))
    signs = Extension(KEY_USAGE, critical=True, value=bytes.fromhex("03020204"))
    return replace(parts, serial=serial, version=_VERSION_3, extensions=(is_ca, signs))


def _signed(parts: Parts, place: int, count: int) -> x509.Certificate:
    """The certificate with the key of its place, signed by the key of the next place. The server's own certificate keeps
    its key."""
    key = parts.key if place == 0 else _public(place)
    made = replace(parts, key=key, algorithm=_SHA256)
    signature = _key(min(place + 1, count - 1)).sign(made.body, ec.ECDSA(hashes.SHA256()))
    whole = replace(made, signature=encode(BIT_STRING, b"\x00", signature)).whole
    return ask(lambda: x509.load_der_x509_certificate(whole))


@lru_cache(maxsize=64)
def _key(place: int) -> ec.EllipticCurvePrivateKey:
    """These keys are not secret: they sign shadows only, and no shadow leaves the callers of this file."""
    return ec.derive_private_key(place + 1, ec.SECP256R1())


@lru_cache(maxsize=64)
def _public(place: int) -> bytes:
    return _key(place).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
