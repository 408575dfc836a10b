"""How a program of ours reaches anything. Production uses this class as it is; the lab's subclass
injects faults at exactly these places, so that no fault code lives in the agent."""

import asyncio
import contextlib
import datetime as dt
import ssl
import time
from collections.abc import Iterable
from pathlib import Path


class Network:
    """The network and the root store as this device sees them."""

    async def before_request(self) -> None:
        """Awaited before every connection and every request. Raises OSError when nothing can be reached."""

    def roots(self, path: Path | None) -> Path | None:
        """The root store to trust for the server: a PEM file, or None for the system's own."""
        return path

    def wall_ms(self) -> int:
        """This device's wall clock, milliseconds since the epoch: what its programs judge certificates by."""
        return round(time.time() * 1000)

    def limit(self, context: ssl.SSLContext) -> None:
        """Narrow the TLS versions of this context to those that this device's programs speak."""

    def check_validity(self, not_before: dt.datetime, not_after: dt.datetime) -> None:
        """Look at a peer certificate with this device's clock; OpenSSL has done so with the real one.
        Raises ssl.SSLCertVerificationError."""

    async def until_cut(self) -> None:
        """Returns when the network is gone and open connections must be dropped."""
        await asyncio.Event().wait()


def tls_context(roots: Path | None) -> ssl.SSLContext:
    """A verifying client context that trusts the roots in this PEM file, or the system's as OpenSSL finds them. Raises
    OSError or ssl.SSLError when the file cannot be read."""
    context = ssl.create_default_context(cafile=str(roots) if roots else None)
    # A till checks what it was given and no more: Python 3.13+ would refuse private roots that lack
    # extensions which Windows does not ask for.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


def context_of(certificates: Iterable[bytes]) -> ssl.SSLContext:
    """A verifying client context with these certificates (DER) and no others: one that is its own issuer is trusted,
    another completes chains. What cannot be read is passed over, because one bad entry must not hide all others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for der in certificates:
        with contextlib.suppress(ssl.SSLError, ValueError):
            context.load_verify_locations(cadata=der)
    return context


def unverified() -> ssl.SSLContext:
    """A client context that asks nobody whom to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
