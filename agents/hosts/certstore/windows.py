"""The machine store of Windows: LocalMachine\\My, the only one from which http.sys takes certificates. A key is tested by using
it: something is signed, and the certificate must verify the signature."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from agents.hosts.certstore.reader import Kept, thumbprint
from agents.winapi import crypt32
from agents.winapi.crypt32 import Entry, Name, Signature
from agents.winapi.dll import Refused

_PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303 - older providers know only this one
# Windows translates its texts, so the agent goes by the numbers.
_WORDS = {
    0x00000005: "access is denied",
    0x80070005: "access is denied",
    0x80090010: "access is denied",
    0x8009000D: "there is no such key",
    0x80090011: "there is no such key",
    0x8009200B: "there is no such key",
    0x80090015: "the key belongs to another certificate",
    0x80090016: "the key does not exist: it was not kept when the certificate was imported, or was deleted",
    0x80090022: "it would open a dialog on the screen",
    0x80090019: "the key's provider is not installed",
    0x8009001E: "the key's provider is not installed",
}


class System(Protocol):
    """The interface to crypt32. Tests use their own."""

    def entries(self, name: Name) -> list[Entry]:
        """Raises OSError."""

    def sign(self, thumbprint: str, data: bytes, *, rsa: bool) -> Signature:
        """Raises OSError."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A Reader of LocalMachine\\My."""

    system: System = crypt32

    def find(self, name: str) -> Kept | None:
        return next((kept for kept in self.all() if kept.thumbprint == name), None)

    def all(self) -> Iterator[Kept]:
        """If the same certificate is there twice, once by group policy, the one with a key counts, as for Windows."""
        found: dict[bytes, Entry] = {}
        for entry in self.system.entries("MY"):
            if entry.der not in found or found[entry.der].key is None:
                found[entry.der] = entry
        for entry in found.values():
            certificate = _parsed(entry.der)
            if certificate is not None:
                machine = entry.key.machine if entry.key else None
                yield Kept(certificate, thumbprint(certificate), entry.key is not None, machine)

    def refusal(self, kept: Kept) -> str | None:
        public, data = _public_key(kept.certificate), secrets.token_bytes(32)
        if public is None:
            return "it is neither an RSA nor an elliptic key"
        try:
            made = self.system.sign(kept.thumbprint, data, rsa=isinstance(public, rsa.RSAPublicKey))
        except Refused as error:
            return f"{_WORDS.get(error.number, 'Windows refuses it')} ({error.strerror})"
        except OSError as error:
            return str(error.strerror or error)
        return None if _fits(public, made, data) else "the key belongs to another certificate"


def _parsed(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _public_key(certificate: x509.Certificate) -> _PublicKey | None:
    """None for a kind of key that http.sys cannot use."""
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return public if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None


def _fits(public: _PublicKey, made: Signature, data: bytes) -> bool:
    by = _HASHES[made.hash]
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(made.value, data, padding.PKCS1v15(), by)
        else:
            half = len(made.value) // 2
            r, s = (int.from_bytes(part) for part in (made.value[:half], made.value[half:]))
            public.verify(encode_dss_signature(r, s), data, ec.ECDSA(by))
    except InvalidSignature:
        return False
    return True
