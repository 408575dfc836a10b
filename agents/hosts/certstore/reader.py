"""The interface of the machine's certificate store: a folder in the lab, Windows' own store on Windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate in the store."""

    certificate: x509.Certificate
    thumbprint: str
    has_key: bool
    machine_key: bool | None  # whether the key is the computer's, not a user's; None without a key


class Reader(Protocol):
    """One machine store. Thumbprints are 40 upper-case hex digits."""

    def find(self, thumbprint: str) -> Kept | None:
        """The certificate with this thumbprint, computed from its content. Raises OSError if the store cannot be read."""

    def all(self) -> Iterator[Kept]:
        """All certificates; entries that cannot be parsed are skipped. Raises OSError if the store cannot be read."""

    def refusal(self, kept: Kept) -> str | None:
        """Why this process cannot use the private key; None if it has just used it."""


def thumbprint(certificate: x509.Certificate) -> str:
    """The SHA-1 fingerprint, by which Windows names a certificate."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Windows names certificates so
