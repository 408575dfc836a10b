"""Certificates that `cryptography` does not make: signed with MD5 or SHA-1, or with an altered body that is signed
properly all the same."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.preflight.pki import Issued

_RSA = bytes.fromhex("06092a864886f70d0101")  # 1.2.840.113549.1.1; what follows says which digest.
_SHA256 = _RSA + b"\x0b"
_OLD = {"sha1": (_RSA + b"\x05", hashes.SHA1()), "md5": (_RSA + b"\x04", hashes.MD5())}


def signed_anew(issued: Issued, signer: Any, digest: str) -> Issued:
    """The same certificate, signed by an RSA key with an old digest."""
    number, algorithm = _OLD[digest]
    body = issued.cert.tbs_certificate_bytes.replace(_SHA256, number, 1)
    named = b"\x30\x0d" + number + b"\x05\x00"
    return Issued(_assemble(body, named, signer.sign(body, padding.PKCS1v15(), algorithm)), issued.key)


def altered(issued: Issued, old: bytes, new: bytes, signer: Any) -> Issued:
    """The certificate with these bytes of its body exchanged for as many others, and a signature that fits."""
    assert len(old) == len(new)
    before = issued.cert.tbs_certificate_bytes
    body = before.replace(old, new)
    after = issued.der[issued.der.index(before) + len(before) :]
    named = after[: 2 + after[1]]
    if isinstance(signer, rsa.RSAPrivateKey):
        signature = signer.sign(body, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = signer.sign(body, ec.ECDSA(hashes.SHA256()))
    return Issued(_assemble(body, named, signature), issued.key)


def _assemble(body: bytes, named: bytes, signature: bytes) -> x509.Certificate:
    whole = body + named + b"\x03" + _length(len(signature) + 1) + b"\x00" + signature
    return x509.load_der_x509_certificate(b"\x30" + _length(len(whole)) + whole)


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(digits)]) + digits
