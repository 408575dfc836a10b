"""Everything by which a program of ours touches the network. Production uses this class as it is. The lab's subclass injects
network faults by overriding these methods, so the agent itself has no code for them (agents/failpoints.py is another matter:
there the process kills itself at a named place)."""

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
        """The root store to trust for the server: a PEM file, or None for the system's own store."""
        return path

    def wall_ms(self) -> int:
        """This device's wall clock in milliseconds since the epoch. Its programs check the validity of certificates with it."""
        return round(time.time() * 1000)

    def limit(self, context: ssl.SSLContext) -> None:
        """Restrict this context to the TLS versions that this device's programs can use."""

    def check_validity(self, not_before: dt.datetime, not_after: dt.datetime) -> None:
        """Check a peer certificate's validity against this device's clock. OpenSSL has checked it against the real clock, which
        differs in the lab. Raises ssl.SSLCertVerificationError."""

    async def until_cut(self) -> None:
        """Returns when the network is gone and open connections must be dropped."""
        await asyncio.Event().wait()


def tls_context(roots: Path | None) -> ssl.SSLContext:
    """A verifying client context that trusts the roots in this PEM file, or the system's as OpenSSL finds them. Raises
    OSError or ssl.SSLError when the file cannot be read."""
    context = ssl.create_default_context(cafile=str(roots) if roots else None)
    # Check no more than Windows does: Python 3.13+ would refuse private roots that lack extensions which Windows does not
    # require.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


def context_of(certificates: Iterable[bytes]) -> ssl.SSLContext:
    """A verifying client context with only these certificates (DER): those that are self-issued are trusted, the others help to
    build chains. A certificate that cannot be read is skipped, because one bad entry must not hide all others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for der in certificates:
        with contextlib.suppress(ssl.SSLError, ValueError):
            context.load_verify_locations(cadata=der)
    return context


def unverified() -> ssl.SSLContext:
    """A client context that accepts every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
