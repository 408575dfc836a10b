"""The dashboard's own keys: its private CA for the gateway, and the key that signs instructions.

All under KEYS_DIR, 0600, made once. Only the worker needs the signing key: keep it from the web
process by giving that another TILLWAY_KEYS.
"""

import base64
import datetime as dt
import functools
import ipaddress
import os
import tempfile
from pathlib import Path

from cryptography import x509
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

CA_DAYS, LEAF_DAYS = 3650, 397


@functools.cache
def signing_key() -> ed25519.Ed25519PrivateKey:
    """The key that signs instructions; made at the first call."""
    path = settings.KEYS_DIR / "instructions.key"
    if not path.exists():
        _write_new(path, _pem(ed25519.Ed25519PrivateKey.generate()))
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key


def sign(body: str) -> str:
    """The signature of an instruction's body, base64."""
    return base64.b64encode(signing_key().sign(body.encode())).decode()


def signing_public() -> str:
    """The public half, base64 of the raw key: agents get it when they enrol."""
    return base64.b64encode(signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def gateway_ca() -> Path:
    """PEM of the CA that agents pin; made with the gateway's certificate if there is none yet."""
    ca = settings.KEYS_DIR / "gateway-ca.pem"
    if not ca.exists():
        make_gateway_pki(["localhost"], ["127.0.0.1", "::1"])
    return ca


def make_gateway_pki(names: list[str], addresses: list[str]) -> None:
    """A private CA and the gateway's certificate for these names and addresses, ECDSA P-256: agents
    reconnect at a quarter of RSA's price for the server. The CA's key is thrown away after use."""
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
    now = dt.datetime.now(dt.UTC)
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
    """A new private file, complete or not there at all, whoever of two processes or threads is first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A name of its own for everybody: two threads that share one would both write into the file that is linked first,
    # and agents that enrolled in between would know another key than the one that signs.
    descriptor, temp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    with open(descriptor, "wb") as file:
        file.write(data)
    try:
        os.link(temp, path)
    except FileExistsError:
        pass  # the other one's file is as good; ours is dropped
    finally:
        os.unlink(temp)
