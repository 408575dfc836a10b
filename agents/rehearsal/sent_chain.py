"""Reads which certificates a port of this machine really sends to terminals, which may differ from those in the store."""

import asyncio
import contextlib
import hashlib
import ssl
from typing import Any

from agents.bounds import MAX_CHAIN
from agents.errors import StepError
from agents.hosts import lookup
from agents.hosts.certstore import roots
from agents.hosts.lookup import Target
from agents.net import unverified
from agents.rehearsal.shadow import HANDSHAKE_LIMIT_S
from agents.rehearsal.wire import Wire

_DER = 2  # _ssl.ENCODING_DER


async def read(port: int, thumbprint: str) -> list[str]:
    """The chain in PEM, leaf first, from a handshake with 127.0.0.1. Raises OSError if nothing answers there; StepError
    key_unreadable if the handshake fails, wrong_certificate if another certificate is presented."""
    wire = Wire()
    try:
        async with asyncio.timeout(HANDSHAKE_LIMIT_S):
            await wire.open("127.0.0.1", port, unverified())
        assert wire.tls is not None
        sent = of(wire.tls)
    except (ssl.SSLError, ConnectionResetError) as error:
        raise _no_handshake(port, thumbprint, error) from error
    finally:
        wire.close()
        with contextlib.suppress(OSError):
            await wire.wait_closed()
    leaf = hashlib.sha1(sent[0]).hexdigest().upper() if sent else None
    lookup.compare(Target("127.0.0.1", port, True, HANDSHAKE_LIMIT_S, thumbprint=thumbprint), leaf)
    return [roots.pem(der) for der in sent[:MAX_CHAIN]]


def of(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates that the other side sent, in DER, leaf first."""
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:  # Python 3.13 and later
        return list(public() or ())
    found: Any = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [item.public_bytes(_DER) for item in found or ()]


def _no_handshake(port: int, thumbprint: str, error: OSError) -> StepError:
    return StepError(
        "key_unreadable",
        f"certificate {thumbprint} is bound to port {port}, but the TLS handshake fails: {error.strerror or error}",
        "Look for errors of Schannel in the system's event log (36870: SYSTEM may not use the private key), and import "
        "the PFX again into Personal of the computer account.",
    )
