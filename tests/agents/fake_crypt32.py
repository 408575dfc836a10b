"""A stand-in for agents.winapi.crypt32: certificate stores in memory, and keys that sign or say why not."""

from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from agents.winapi.crypt32 import Entry, KeyPlace, Name, Signature
from agents.winapi.dll import Refused

CNG, CAPI = "Microsoft Software Key Storage Provider", "Microsoft Enhanced Cryptographic Provider v1.0"


@dataclass
class FakeCrypt32:
    """stores: by name; keys: by thumbprint, a private key or the number with which Windows refuses it; old: a provider
    of the older kind, which signs with SHA-1."""

    stores: dict[str, list[Entry]] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    signed: list[str] = field(default_factory=list)
    old: bool = False

    def entries(self, name: Name) -> list[Entry]:
        return list(self.stores.get(name, []))

    def sign(self, thumbprint: str, data: bytes, *, rsa: bool) -> Signature:
        self.signed.append(thumbprint)
        key = self.keys[thumbprint]
        if isinstance(key, int):
            raise Refused("opening the private key", key)
        assert rsa is not isinstance(key, ec.EllipticCurvePrivateKey)
        if rsa:
            by = hashes.SHA1() if self.old else hashes.SHA256()
            return Signature(key.sign(data, padding.PKCS1v15(), by), "sha1" if self.old else "sha256")
        size = (key.curve.key_size + 7) // 8
        parts = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return Signature(b"".join(part.to_bytes(size) for part in parts), "sha256")

    def put(self, pem: bytes, key: bytes | int | None = None, *, machine: bool = True, store: Name = "MY") -> str:
        """Import this certificate, its key as PEM; the thumbprint."""
        certificate = x509.load_pem_x509_certificate(pem)
        name = certificate.fingerprint(hashes.SHA1()).hex().upper()
        place = None if key is None else KeyPlace(CAPI if self.old else CNG, machine)
        self.stores.setdefault(store, []).append(Entry(certificate.public_bytes(Encoding.DER), place))
        if key is not None:
            self.keys[name] = load_pem_private_key(key, None) if isinstance(key, bytes) else key
        return name
