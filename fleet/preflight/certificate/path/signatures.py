"""Did this CA sign this certificate? The signature is verified over the bytes as they were signed."""

from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.strength import MOST_RSA_BITS
from fleet.preflight.certificate.tolerant.library import Refused, ask

# Which kind of key makes signatures of these algorithms: the beginnings of their OIDs.
_RSA, _ECDSA = "1.2.840.113549.1.1.", "1.2.840.10045.4."


class Link(Enum):
    """Whether the CA above signed a certificate."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # neither the library nor this file knows the algorithm


def signed_by(cert: Cert, issuer: Cert) -> Link:
    """Whether `issuer` signed `cert`. Their names must have been compared before."""
    if issuer.key is None:
        return Link.UNKNOWN
    if not _is_whole(cert):
        return Link.BAD
    if not cert.is_strict or not issuer.is_strict:
        return _by_hand(cert, issuer)
    try:
        ask(lambda: cert.raw.verify_directly_issued_by(issuer.raw))
    except Refused as error:
        # The library does not verify MD5 and SHA-1 in certificates, nor parameters that are written in another way.
        # Weak, unusual and forged signatures are different findings.
        return Link.BAD if isinstance(error.__cause__, InvalidSignature) else _by_hand(cert, issuer)
    return Link.GOOD


def _is_whole(cert: Cert) -> bool:
    """Whether no bit of the signature is called unused. A signature is whole bytes; OpenSSL refuses others, and the library
    does not check. The number of unused bits is the byte before the signature, with which a certificate ends."""
    return cert.der[-1 - len(cert.raw.signature)] == 0


def _by_hand(cert: Cert, issuer: Cert) -> Link:
    if cert.twin is None or not kinds_fit(cert, issuer):
        return Link.BAD  # Without a twin no tolerance applies, for example when the two fields with the algorithm differ.
    try:
        return ask(lambda: _verified(cert, issuer))
    except Refused as error:
        return Link.BAD if isinstance(error.__cause__, InvalidSignature) else Link.UNKNOWN


def _verified(cert: Cert, issuer: Cert) -> Link:
    raw, key = cert.twin.raw if cert.twin else cert.raw, issuer.key
    digest = raw.signature_hash_algorithm
    if digest is not None and isinstance(key, rsa.RSAPublicKey) and key.key_size <= MOST_RSA_BITS:
        key.verify(raw.signature, cert.body, _padding(raw), digest)
        return Link.GOOD
    if digest is not None and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(raw.signature, cert.body, ec.ECDSA(digest))
        return Link.GOOD
    return Link.UNKNOWN


def _padding(raw: x509.Certificate) -> padding.PSS | padding.PKCS1v15:
    parameters = raw.signature_algorithm_parameters
    return parameters if isinstance(parameters, padding.PSS) else padding.PKCS1v15()


def kinds_fit(cert: Cert, issuer: Cert) -> bool:
    """Whether the issuer's key is of the kind that makes such signatures. A key of another kind did not make it."""
    algorithm = cert.raw.signature_algorithm_oid.dotted_string
    if algorithm.startswith(_RSA):
        return isinstance(issuer.key, rsa.RSAPublicKey)
    return isinstance(issuer.key, ec.EllipticCurvePublicKey) or not algorithm.startswith(_ECDSA)
