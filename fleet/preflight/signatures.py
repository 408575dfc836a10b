"""Did this CA sign this certificate?"""

from enum import Enum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fleet.preflight.certs import Cert


class Link(Enum):
    """Whether a certificate was signed by the one above it. UNKNOWN: by an algorithm that nobody here can check."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


def signed_by(cert: Cert, issuer: Cert) -> Link:
    """Whether `issuer` signed `cert`. Their names must have been compared before."""
    if issuer.key is None:
        return Link.UNKNOWN
    try:
        cert.raw.verify_directly_issued_by(issuer.raw)
    except InvalidSignature:
        return Link.BAD
    except (TypeError, UnsupportedAlgorithm):
        return Link.UNKNOWN
    except ValueError as error:
        # The library does not look at MD5 and SHA-1 in certificates at all. Weak or forged are different findings.
        return _by_hand(cert, issuer) if "Unsupported" in str(error) else Link.BAD
    return Link.GOOD


def _by_hand(cert: Cert, issuer: Cert) -> Link:
    body, signature = cert.raw.tbs_certificate_bytes, cert.raw.signature
    try:
        digest = cert.raw.signature_hash_algorithm
        if digest is None:
            return Link.UNKNOWN
        if isinstance(issuer.key, rsa.RSAPublicKey):
            issuer.key.verify(signature, body, padding.PKCS1v15(), digest)
        elif isinstance(issuer.key, ec.EllipticCurvePublicKey):
            issuer.key.verify(signature, body, ec.ECDSA(digest))
        else:
            return Link.UNKNOWN
    except InvalidSignature:
        return Link.BAD
    except (ValueError, UnsupportedAlgorithm):
        return Link.UNKNOWN
    return Link.GOOD
