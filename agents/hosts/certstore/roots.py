"""The roots that a device trusts: those in its own PEM file, or those in the system's store.

On Windows only the computer's store counts (LocalMachine\\Root). Touch runs in the session of whichever person is on duty, so a
root that one person has installed for herself must not make a terminal look ready for everybody. A root in the computer's
Disallowed store does not count, nor does one that is not for server authentication."""

import base64
import re
import ssl
import sys
from pathlib import Path
from typing import Protocol

from cryptography import x509

from agents.net import context_of, tls_context
from agents.winapi import crypt32
from agents.winapi.crypt32 import Entry, Name

MAX_BYTES = 4 * 1024 * 1024
MAX_ROOTS = 2000
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s*(.*?)-----END CERTIFICATE-----", re.DOTALL)
# DER of the purposes serverAuth and anyExtendedKeyUsage.
_FOR_SERVERS = (bytes.fromhex("06082b06010505070301"), bytes.fromhex("0604551d2500"))


class Stores(Protocol):
    """The interface to crypt32. Tests use their own."""

    def entries(self, name: Name) -> list[Entry]:
        """Raises OSError."""


def read(path: Path | None) -> list[bytes]:
    """The certificates (DER) in this PEM file, or in the system's store if path is None. Entries that are not certificates are
    skipped. Raises OSError if the file or the store cannot be read."""
    if path is None and sys.platform == "win32":
        return of_the_computer(crypt32)
    if path is None:
        system = ssl.get_default_verify_paths().cafile
        if system is None:
            return []
        path = Path(system)
    with path.open("rb") as file:
        return blocks(file.read(MAX_BYTES))[:MAX_ROOTS]


def context(path: Path | None) -> ssl.SSLContext:
    """A verifying client context that trusts exactly the certificates of read(). Raises OSError or ssl.SSLError."""
    if path is None and sys.platform == "win32":
        return context_of_the_computer(crypt32)
    return tls_context(path)


def of_the_computer(stores: Stores) -> list[bytes]:
    """The roots (DER) of these Windows stores. Raises OSError."""
    return _allowed(stores, "ROOT")[:MAX_ROOTS]


def context_of_the_computer(stores: Stores) -> ssl.SSLContext:
    """The same as a TLS context. The computer's intermediates help to build a chain, as they do for Windows' programs, but
    a chain must end in Root: a self-issued certificate in another store is not trusted. Raises OSError."""
    between = [der for der in _allowed(stores, "CA") if not _self_issued(der)]
    return context_of([*of_the_computer(stores), *between[:MAX_ROOTS]])


def _allowed(stores: Stores, name: Name) -> list[bytes]:
    disallowed = {entry.der for entry in stores.entries("Disallowed")}
    found = (entry.der for entry in stores.entries(name) if entry.der not in disallowed and _for_servers(entry))
    return list(dict.fromkeys(found))  # group policy may have installed a copy of the same root


def _for_servers(entry: Entry) -> bool:
    return entry.purposes is None or any(oid in entry.purposes for oid in _FOR_SERVERS)


def _self_issued(der: bytes) -> bool:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return certificate.subject == certificate.issuer
    except ValueError:
        return True  # it cannot be parsed, so it cannot be part of a chain


def blocks(data: bytes) -> list[bytes]:
    """All certificates (DER) in this PEM text."""
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
    """Those roots (DER) whose subject (DER of the name) is among `subjects`."""
    return [der for der in roots if _subject(der) in subjects]


def _subject(der: bytes) -> bytes | None:
    try:
        return x509.load_der_x509_certificate(der).subject.public_bytes()
    except ValueError:
        return None
