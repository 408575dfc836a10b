"""The roots that a device really has: its own PEM file, or the system's store.

On Windows the system's store is the computer's (LocalMachine\\Root, windows-domain.md section 5): the agent is a service,
Touch runs in the session of whoever is on duty, and a root that one person has installed for herself must not make a till
look ready for all. What is in the computer's Disallowed store, or kept for other purposes than servers, is no root."""

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
    """What crypt32 can read; tests bring their own."""

    def entries(self, name: Name) -> list[Entry]:
        """Raises OSError."""


def read(path: Path | None) -> list[bytes]:
    """The certificates (DER) of this PEM file, or of the system's store for None; what is none is passed over. Raises
    OSError when the file or the store cannot be read."""
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
    """A verifying client context that trusts exactly what read() gives. Raises OSError or ssl.SSLError."""
    if path is None and sys.platform == "win32":
        return context_of_the_computer(crypt32)
    return tls_context(path)


def of_the_computer(stores: Stores) -> list[bytes]:
    """The roots (DER) of these Windows stores. Raises OSError."""
    return _allowed(stores, "ROOT")[:MAX_ROOTS]


def context_of_the_computer(stores: Stores) -> ssl.SSLContext:
    """The same as a context. Intermediates that the computer has complete a chain, as they do for Windows' programs,
    and end none: what is its own issuer counts in Root only. Raises OSError."""
    between = [der for der in _allowed(stores, "CA") if not _self_issued(der)]
    return context_of([*of_the_computer(stores), *between[:MAX_ROOTS]])


def _allowed(stores: Stores, name: Name) -> list[bytes]:
    disallowed = {entry.der for entry in stores.entries("Disallowed")}
    found = (entry.der for entry in stores.entries(name) if entry.der not in disallowed and _for_servers(entry))
    return list(dict.fromkeys(found))  # group policy's copy of a root is no second one


def _for_servers(entry: Entry) -> bool:
    return entry.purposes is None or any(oid in entry.purposes for oid in _FOR_SERVERS)


def _self_issued(der: bytes) -> bool:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return certificate.subject == certificate.issuer
    except ValueError:
        return True  # whatever it is, it completes no chain


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
