"""Certificates signed with MD5 or SHA-1, which `cryptography` no longer makes: the algorithm's number is exchanged
in a certificate and the new bytes are signed by hand."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.preflight.pki import Issued

_RSA = bytes.fromhex("06092a864886f70d0101")  # 1.2.840.113549.1.1; what follows says which digest.
_SHA256 = _RSA + b"\x0b"
_OLD = {"sha1": (_RSA + b"\x05", hashes.SHA1()), "md5": (_RSA + b"\x04", hashes.MD5())}


def signed_anew(issued: Issued, signer: object, digest: str) -> Issued:
    """The same certificate, signed by an RSA key with an old digest."""
    number, algorithm = _OLD[digest]
    body = issued.cert.tbs_certificate_bytes.replace(_SHA256, number, 1)
    signature = signer.sign(body, padding.PKCS1v15(), algorithm)  # type: ignore[attr-defined]
    named = b"\x30\x0d" + number + b"\x05\x00"
    bits = b"\x03" + _length(len(signature) + 1) + b"\x00" + signature
    whole = body + named + bits
    return Issued(x509.load_der_x509_certificate(b"\x30" + _length(len(whole)) + whole), issued.key)


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(digits)]) + digits
