"""The roots that a device really has: its own PEM file, or the system's store."""

import base64
import re
import ssl
import sys
from pathlib import Path

from cryptography import x509

MAX_BYTES = 4 * 1024 * 1024
MAX_ROOTS = 2000
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s*(.*?)-----END CERTIFICATE-----", re.DOTALL)


def read(path: Path | None) -> list[bytes]:
    """The certificates (DER) of this PEM file, or of the system's store for None; what is none is passed over. Raises
    OSError when the file cannot be read."""
    if path is None and sys.platform == "win32":
        return [der for der, kind, _ in ssl.enum_certificates("ROOT") if kind == "x509_asn"][:MAX_ROOTS]
    if path is None:
        system = ssl.get_default_verify_paths().cafile
        if system is None:
            return []
        path = Path(system)
    with path.open("rb") as file:
        return blocks(file.read(MAX_BYTES))[:MAX_ROOTS]


def blocks(data: bytes) -> list[bytes]:
    """The DER of every certificate in this PEM text."""
    found = []
    for match in _BLOCK.finditer(data):
        try:
            found.append(base64.b64decode(b"".join(match.group(1).split()), validate=True))
        except ValueError:
            continue
    return found


def pem(der: bytes) -> str:
    """The same certificate as PEM text."""
    return ssl.DER_cert_to_PEM_cert(der)


def issued_by(roots: list[bytes], subjects: set[bytes]) -> list[bytes]:
    """Those of these certificates (DER) whose subject (DER of the name) is one of these."""
    return [der for der in roots if _subject(der) in subjects]


def _subject(der: bytes) -> bytes | None:
    try:
        return x509.load_der_x509_certificate(der).subject.public_bytes()
    except ValueError:
        return None
