"""Test certificates, made in a millisecond each: a root and a leaf for localhost and 127.0.0.1."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """root: PEM file to trust; pem, key: files of the leaf."""

    root: Path
    pem: Path
    key: Path
    thumbprint: str

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        return context


def make(folder: Path, *, names: tuple[str, ...] = ("localhost",), begin_days: int = -1, end_days: int = 30) -> Certificate:
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test root")])
    root = (
        x509.CertificateBuilder(root_name, root_name, root_key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=400)).not_valid_after(now + dt.timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )  # fmt: skip
    alternatives = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    leaf = (
        x509.CertificateBuilder(root_name, subject, leaf_key.public_key(), x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=begin_days)).not_valid_after(now + dt.timedelta(days=end_days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(root_key, hashes.SHA256())
    )  # fmt: skip
    thumbprint = leaf.fingerprint(hashes.SHA1()).hex().upper()
    made = Certificate(folder / "root.pem", folder / f"{thumbprint}.pem", folder / f"{thumbprint}.key", thumbprint)
    made.root.write_bytes(root.public_bytes(Encoding.PEM))
    made.pem.write_bytes(leaf.public_bytes(Encoding.PEM))
    made.key.write_bytes(leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made
