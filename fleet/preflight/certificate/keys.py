"""The private key: is there one, and does it belong to this certificate?"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding


def belongs(key: PrivateKeyTypes, cert: Cert) -> bool:
    """Whether this private key belongs to the certificate's public key."""
    return cert.key is not None and _public(key.public_key()) == _public(cert.key)


def check_keys(leaf: Cert, keys: Sequence[PrivateKeyTypes], expected: bool) -> list[CertificateFinding]:
    """Findings about the key. expected: a file was given that must hold one (a PFX, or --key)."""
    if not keys:
        if expected:
            return [CertificateFinding(Code.KEY_MISSING, "the file holds the certificate without its private key", leaf.label)]
        return [CertificateFinding(Code.KEY_NOT_GIVEN, "the private key was not given, so it was not checked")]
    if not any(belongs(key, leaf) for key in keys):
        return [CertificateFinding(Code.KEY_MISMATCH, "the private key belongs to another certificate", leaf.label)]
    return []


def _public(key: object) -> bytes:
    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return found
