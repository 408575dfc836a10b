"""Did this CA sign this certificate? Always asked of the bytes as they were signed."""

from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fleet.preflight.certs import Cert
from fleet.preflight.strength import MOST_RSA_BITS

# Which kind of key makes signatures of these algorithms: the beginnings of their OIDs.
_RSA, _ECDSA = "1.2.840.113549.1.1.", "1.2.840.10045.4."


class Link(Enum):
    """Whether a certificate was signed by the one above it. UNKNOWN: by an algorithm that nobody here can check."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


def signed_by(cert: Cert, issuer: Cert) -> Link:
    """Whether `issuer` signed `cert`. Their names must have been compared before."""
    if issuer.key is None:
        return Link.UNKNOWN
    if not cert.is_strict or not issuer.is_strict:
        return _by_hand(cert, issuer)
    try:
        cert.raw.verify_directly_issued_by(issuer.raw)
    except InvalidSignature:
        return Link.BAD
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library does not look at MD5 and SHA-1 in certificates at all, nor at parameters that are written
        # otherwise. Weak, unusual or forged are different findings.
        return _by_hand(cert, issuer)
    return Link.GOOD


def _by_hand(cert: Cert, issuer: Cert) -> Link:
    if cert.twin is None:
        return Link.BAD  # Nothing puts it right, least of all an algorithm that is given twice and differently.
    raw, key = cert.twin.raw, issuer.key
    if not kinds_fit(cert, issuer):
        return Link.BAD
    try:
        digest, signature = raw.signature_hash_algorithm, raw.signature
        if digest is None:
            return Link.UNKNOWN
        if isinstance(key, rsa.RSAPublicKey) and key.key_size <= MOST_RSA_BITS:
            key.verify(signature, cert.body, _padding(raw), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, cert.body, ec.ECDSA(digest))
        else:
            return Link.UNKNOWN
    except InvalidSignature:
        return Link.BAD
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Link.UNKNOWN
    return Link.GOOD


def _padding(raw: x509.Certificate) -> padding.PSS | padding.PKCS1v15:
    parameters = raw.signature_algorithm_parameters
    return parameters if isinstance(parameters, padding.PSS) else padding.PKCS1v15()


def kinds_fit(cert: Cert, issuer: Cert) -> bool:
    """Whether the issuer's key is of the kind that makes such signatures. One of another kind did not make it."""
    algorithm = cert.raw.signature_algorithm_oid.dotted_string
    if algorithm.startswith(_RSA):
        return isinstance(issuer.key, rsa.RSAPublicKey)
    return isinstance(issuer.key, ec.EllipticCurvePublicKey) or not algorithm.startswith(_ECDSA)
