"""What can be asked of the machine's certificate store, wherever it is kept: a folder in the lab, Windows' own
store on Windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate of the store. machine_key: whether its key is one of the computer's; None where there is no key."""

    certificate: x509.Certificate
    thumbprint: str
    has_key: bool
    machine_key: bool | None


class Reader(Protocol):
    """One machine store. Thumbprints are 40 upper-case hex digits."""

    def find(self, thumbprint: str) -> Kept | None:
        """This certificate, which really is that one. Raises OSError when the store cannot be read."""

    def all(self) -> Iterator[Kept]:
        """Every certificate; what is none is left out. Raises OSError when the store cannot be read."""

    def refusal(self, kept: Kept) -> str | None:
        """Why its private key cannot be used by whoever runs this; None where it was used just now."""


def thumbprint(certificate: x509.Certificate) -> str:
    """The name that Windows gives a certificate."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Windows names certificates so
