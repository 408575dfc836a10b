"""The machine store of the lab: a folder with `<thumbprint>.pem`, and `<thumbprint>.key` if the computer has
its private key, `<thumbprint>.user-key` if that is in a user's profile."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from agents.hosts.certstore.reader import Kept, thumbprint

NAME = re.compile(r"[0-9A-F]{40}")
MAX_PEM_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """A Reader of this folder."""

    path: Path

    def find(self, name: str) -> Kept | None:
        certificate = _load(self.path / f"{name}.pem") if NAME.fullmatch(name) else None
        if certificate is None or thumbprint(certificate) != name:
            return None
        machine, profile = ((self.path / f"{name}.{kind}").is_file() for kind in ("key", "user-key"))
        return Kept(certificate, name, machine or profile, machine if machine or profile else None)

    def all(self) -> Iterator[Kept]:
        for path in sorted(path for path in self.path.iterdir() if path.suffix == ".pem"):
            if (kept := self.find(path.stem)) is not None:
                yield kept

    def refusal(self, kept: Kept) -> str | None:
        """Try to load the key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pem, key = (self.path / f"{kept.thumbprint}.{kind}" for kind in ("pem", "key"))
        try:
            context.load_cert_chain(pem, key, password=no_password)
        except (OSError, ValueError) as error:
            return str(error)
        return None


def no_password() -> str:
    """The password callback for an encrypted key, so that nothing prompts on a console. Raises ValueError."""
    raise ValueError("it is encrypted with a password")


def _load(path: Path) -> x509.Certificate | None:
    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_certificate(file.read(MAX_PEM_BYTES))
    except (OSError, ValueError):
        return None
