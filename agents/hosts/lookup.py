"""A connection to the server, made as a terminal makes it, and a finding in plain words for everything that can go wrong."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import h11

from agents.errors import StepError
from agents.hosts.certstore import roots
from agents.hosts.inventory import tls_ability
from agents.net import Network, unverified

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

# OpenSSL's verification results. 7 occurs if a trusted root has the right name, but another key.
_EXPIRED, _NOT_YET, _UNTRUSTED, _NAME = {10}, {9}, {2, 7, 18, 19, 20, 21, 24, 26, 27}, {62, 63, 64}


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a lookup, and what is expected there."""

    host: str
    port: int
    tls: bool
    timeout_s: float  # for one attempt
    roots: Path | None = None  # PEM file with the trusted roots; None: the system's store
    trust: bool = True  # whether the certificate must be trusted for `host`; not when the server asks itself at 127.0.0.1
    thumbprint: str | None = None  # the expected certificate; None: any

    @property
    def where(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


async def patiently(ask: Callable[[], Awaitable[T]], within_s: float) -> T:
    """Repeat `ask` until it succeeds, with pauses of 0.1, 0.2, 0.4 .. 2 s, while the failure may be temporary and for at most
    within_s seconds. Raises the last StepError."""
    deadline = time.monotonic() + within_s
    pause = FIRST_PAUSE_S
    while True:
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.05)):
                return await ask()
        except TimeoutError as error:
            raise _timeout(f"no response within {within_s:.0f} s") from error
        except StepError as error:
            if not error.retryable or time.monotonic() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


@contextlib.contextmanager
def explaining(target: Target) -> Iterator[None]:
    """Turns any error of connecting or requesting into the StepError that explains it."""
    try:
        yield
    except (OSError, ssl.SSLError, h11.ProtocolError, UnicodeError) as error:
        raise explain(error, target) from error


def explain(error: Exception, target: Target) -> StepError:
    """The finding for a failed connection or request."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, target)
    if isinstance(error, ssl.SSLError):
        # The server may close a connection during the handshake because it is just starting.
        passing = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
        return StepError(
            "tls_refused",
            f"{target.where}: TLS connection failed ({error.reason or error})",
            "Check that the server speaks HTTPS on this port, and which TLS versions both sides allow.",
            retryable=passing,
        )
    if isinstance(error, TimeoutError):
        return _timeout(f"{target.where} did not answer within {target.timeout_s:.0f} s")
    if isinstance(error, ConnectionRefusedError):
        return StepError(
            "connection_refused",
            f"nothing listens at {target.where}",
            "Check that NetPOS.Net runs, the port, and the firewall.",
            retryable=True,
        )
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return StepError("unreachable", f"{target.host} cannot be resolved", "Check the host name and DNS.", retryable=True)
    if isinstance(error, (ConnectionError, h11.ProtocolError)):
        return StepError(
            "lookup_failed",
            f"{target.where}: the connection was closed before a response came ({error})",
            "Check that the server speaks this scheme on this port.",
            retryable=True,
        )
    return StepError("unreachable", f"{target.where} cannot be reached ({error})", "Check the network.", retryable=True)


def context(target: Target, network: Network) -> ssl.SSLContext | None:
    """How TLS is made to this target, None without TLS. Raises OSError when its roots cannot be read."""
    if not target.tls:
        return None
    context = roots.context(target.roots) if target.trust else unverified()
    network.limit(context)
    if target.trust:
        tls_ability.limit(context)
    return context


def compare(target: Target, thumbprint: str | None) -> None:
    """Raises StepError wrong_certificate unless the server presented the expected certificate."""
    if target.tls and target.thumbprint and thumbprint != target.thumbprint:
        raise StepError(
            "wrong_certificate",
            f"{target.where} presents certificate {thumbprint} instead of {target.thumbprint}",
            "Look for another binding on this port, or for a device between terminal and server that intercepts TLS.",
        )


def _certificate(error: ssl.SSLCertVerificationError, target: Target) -> StepError:
    number = getattr(error, "verify_code", 0)
    text = str(getattr(error, "verify_message", "") or error).lower()
    if number in _NAME or "mismatch" in text:
        message, remedy = f"the certificate is not for {target.host}", "Put this name or address into the certificate."
        return StepError("name_mismatch", f"{target.where}: {message}", remedy)
    if number in _EXPIRED or "expired" in text:
        return StepError(
            "cert_expired",
            f"{target.where}: the certificate has expired according to this device's clock",
            "Check the clock; renew the certificate.",
        )
    if number in _NOT_YET or "not yet valid" in text:
        message = "the certificate is not yet valid according to this device's clock"
        return StepError("cert_not_yet_valid", f"{target.where}: {message}", "Check the clock of this device.")
    if number in _UNTRUSTED:
        message, remedy = "the certificate's root is not trusted here", "Install the root certificate on this device."
        return StepError("untrusted_root", f"{target.where}: {message}", remedy)
    return StepError("tls_refused", f"{target.where}: the certificate was refused ({text})", "Check the certificate.")


def _timeout(message: str) -> StepError:
    return StepError("timeout", message, "Check the network, and whether the server is overloaded.", retryable=True)
