"""Certificates that no library writes: a healthy one is taken apart, a part is exchanged, and it is signed anew."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fleet.preflight.certificate.tolerant.asn1 import children, encode
from tests.preflight.pki import Issued

NULL = b"\x05\x00"
RSA = bytes.fromhex("2a864886f70d0101")
DIGESTS = {b"\x0b": hashes.SHA256(), b"\x0c": hashes.SHA384(), b"\x0d": hashes.SHA512()}


def oid(numbers: str) -> bytes:
    """An OID as DER."""
    first, second, *rest = (int(part) for part in numbers.split("."))
    made = b""
    for number in (first * 40 + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.insert(0, number & 0x7F | 0x80)
        made += bytes(groups)
    return encode(0x06, made)


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    """An extension; critical: its BOOLEAN as DER, or nothing."""
    return encode(0x30, oid(kind), critical, encode(0x04, value))


@dataclass
class Fields:
    """A certificate's fields as DER. outer: None for the same algorithm as inside."""

    version: bytes
    serial: bytes
    algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    key: bytes
    extensions: list[bytes] | None
    outer: bytes | None = None

    def take(self, kind: str) -> bytes:
        """Takes an extension out and gives its value."""
        assert self.extensions is not None
        found = next(one for one in self.extensions if oid(kind) in one[:16])
        self.extensions.remove(found)
        return children(children(found)[0].content)[-1].content

    def put(self, kind: str, value: bytes, critical: bytes = b"") -> None:
        """Puts an extension in the place of one of its kind, or adds it."""
        assert self.extensions is not None
        self.extensions = [one for one in self.extensions if oid(kind) not in one[:16]] + [extension(kind, value, critical)]

    @property
    def body(self) -> bytes:
        held = b"" if self.extensions is None else encode(0xA3, encode(0x30, *self.extensions))
        whole = (self.version, self.serial, self.algorithm, self.issuer, self.validity, self.subject, self.key, held)
        return encode(0x30, *whole)


@dataclass(frozen=True)
class Odd:
    """A certificate that may be odd, and its key."""

    der: bytes
    key: Any

    @property
    def pem(self) -> bytes:
        return pem(self.der)


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """A PEM block."""
    return f"-----BEGIN {label}-----\n".encode() + base64.encodebytes(der) + f"-----END {label}-----\n".encode()


def remade(issued: Issued | Odd, signer: Any, change: Callable[[Fields], object], how: Any = None) -> Odd:
    """The certificate after a change, signed anew. how: (padding, digest) of an RSA signature."""
    body = children(children(issued.der)[0].content)[0]
    version, serial, algorithm, issuer, validity, subject, key, *rest = children(body.content)
    listed = [one.whole for one in children(children(rest[0].content)[0].content)] if rest else None
    parts = (version, serial, algorithm, issuer, validity, subject, key)
    fields = Fields(*[part.whole for part in parts], listed)
    change(fields)
    return Odd(encode(0x30, fields.body, fields.outer or fields.algorithm, _signature(fields, signer, how)), issued.key)


def _signature(fields: Fields, signer: Any, how: Any) -> bytes:
    if isinstance(signer, rsa.RSAPrivateKey):
        number = fields.algorithm[fields.algorithm.index(RSA) + len(RSA) :][:1]
        form, digest = how or (padding.PKCS1v15(), DIGESTS.get(number, hashes.SHA256()))
        made = signer.sign(fields.body, form, digest)
    else:
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        made = signer.sign(fields.body, ec.ECDSA(hashes.SHA256()))
    return encode(0x03, b"\x00", made)


def entry(kind: str, tag: int, value: bytes) -> bytes:
    """One part of a name."""
    return encode(0x31, encode(0x30, oid(kind), encode(tag, value)))


def with_entry(name: bytes, part: bytes) -> bytes:
    """The name with one more part in front."""
    return encode(0x30, part, children(name)[0].content)
