"""The dashboard's own keys: its private CA for the gateway, and the key that signs instructions.

All of them lie in KEYS_DIR with the mode 0600. They are made once, before the first agent is enrolled, and never again
automatically. A key that is missing later is lost, and agents would refuse what a new key signs; refuse_missing() says so
before a process begins to work. Only worker and gateway need the keys. To keep them from the web process, set another
TILLWAY_KEYS and TILLWAY_SIGNS=false for it.
"""

import base64
import datetime as dt
import functools
import ipaddress
import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from fleet.models import Agent
from fleet.services import clock

CA_DAYS, LEAF_DAYS = 3650, 397
SIGNING, GATEWAY = "instructions.key", ("gateway-ca.pem", "gateway.pem", "gateway.key")


class Missing(Exception):
    """A key is missing although agents are enrolled that know it. The text is one sentence that says what to do."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"{', '.join(names)} missing in {settings.KEYS_DIR}, and agents are enrolled that know it: restore it from the"
            " backup, or run manage.py make_keys --yes-new-key and enrol every device again."
        )
        self.names = names


def missing() -> list[str]:
    """The names of the key files that are not there."""
    return [name for name in (SIGNING, *GATEWAY) if not (settings.KEYS_DIR / name).exists()]


def refuse_missing() -> None:
    """Raises Missing if keys are missing and agents are enrolled, DatabaseError if the database cannot be asked."""
    if (names := missing()) and Agent.objects.exists():
        raise Missing(names)


def make_missing() -> None:
    """Make the keys that are missing, even if agents know the old ones."""
    if not (settings.KEYS_DIR / SIGNING).exists():
        _write_new(settings.KEYS_DIR / SIGNING, _pem(ed25519.Ed25519PrivateKey.generate()))
        signing_key.cache_clear()
    if set(missing()) & set(GATEWAY):
        for name in GATEWAY:  # they belong together, so the rest of the old ones is of no use
            (settings.KEYS_DIR / name).unlink(missing_ok=True)
        make_gateway_pki(["localhost"], ["127.0.0.1", "::1"])


@functools.cache
def signing_key() -> ed25519.Ed25519PrivateKey:
    """The key that signs instructions. The first call makes it if no agent is enrolled. Raises Missing."""
    path = settings.KEYS_DIR / SIGNING
    if not path.exists():
        if Agent.objects.exists():
            raise Missing([SIGNING])
        _write_new(path, _pem(ed25519.Ed25519PrivateKey.generate()))
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key


def sign(body: str) -> str:
    """The signature of an instruction's body in base64."""
    return base64.b64encode(signing_key().sign(body.encode())).decode()


def verify(body: str, signature: str) -> bool:
    """Whether this dashboard has signed this text."""
    try:
        signing_key().public_key().verify(base64.b64decode(signature, validate=True), body.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_public() -> str:
    """The public key in base64, which agents get when they enrol."""
    return base64.b64encode(signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def gateway_ca() -> Path:
    """The PEM file of the CA that agents trust. It is made together with the gateway's certificate if there is none and no
    agent is enrolled. Raises Missing."""
    if names := sorted(set(missing()) & set(GATEWAY)):
        if Agent.objects.exists():
            raise Missing(names)
        make_missing()
    return settings.KEYS_DIR / "gateway-ca.pem"


def make_gateway_pki(names: list[str], addresses: list[str]) -> None:
    """Make a private CA and the gateway's certificate for these names and addresses, with ECDSA P-256: a handshake costs
    the gateway a quarter of what it costs with RSA. The CA's key is not kept."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tillway gateway CA")])
    ca = _certificate(ca_name, ca_name, ca_key.public_key(), CA_DAYS)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca_cert = ca.sign(ca_key, hashes.SHA256())
    sans: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
    sans += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
    leaf = _certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tillway gateway")]), ca_name, key.public_key(), LEAF_DAYS
    )
    leaf = leaf.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    leaf = leaf.add_extension(aki, critical=False)
    cert = leaf.sign(ca_key, hashes.SHA256())
    _write_new(settings.KEYS_DIR / "gateway.key", _pem(key))
    _write_new(settings.KEYS_DIR / "gateway.pem", cert.public_bytes(Encoding.PEM) + ca_cert.public_bytes(Encoding.PEM))
    _write_new(settings.KEYS_DIR / "gateway-ca.pem", ca_cert.public_bytes(Encoding.PEM))


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_new(path: Path, data: bytes) -> None:
    """Write a new private file, which appears complete or not at all, also when two processes or threads do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Each call uses a temporary name of its own. With a shared name, two threads would both write into the file that is
    # linked first, and agents that enrol in between would get another key than the one that signs.
    descriptor, temp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    with open(descriptor, "wb") as file:
        file.write(data)
    try:
        os.link(temp, path)
    except FileExistsError:
        pass  # the other process's file is as good as ours
    finally:
        os.unlink(temp)
