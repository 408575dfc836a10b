"""The server's shadow listener: two spare ports, one with the certificate that the cutover will bind and one without TLS. They
forward the terminals' requests to the live service. The live port is not changed. There are two kinds: shadow_httpsys.py on
Windows, where SCHANNEL serves and the key may not be exported; shadow_openssl.py elsewhere."""

import asyncio
import contextlib
import socket
import ssl
from abc import ABC, abstractmethod
from typing import Any

from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.certstore import store
from agents.hosts.host import ServerHost
from agents.net import unverified
from agents.protocol import Rehearsal

HANDSHAKE_LIMIT_S = 20.0
UPSTREAM_LIMIT_S = 5.0
LOOKUP_LIMIT_S = 6.0
BACKLOG = 1024


class Shadow(ABC):
    """The two listeners, from open() to close(). lookups: number of forwarded requests; handshakes: number of successful TLS
    connections."""

    def __init__(self, host: ServerHost, probe: Rehearsal) -> None:
        self.probe = probe
        self.facts: dict[str, Any] = {}
        self._host = host
        self._upstream: ssl.SSLContext | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The facts for the answer to `close`."""
        return {"handshakes": self.handshakes, "lookups": self.lookups}

    async def open(self) -> None:
        """Listen, and set `facts` for the answer to `open`. Raises StepError; then nothing stays open."""
        self._host.check_port(self.probe.port)
        await asking.member(self._host, self.probe, LOOKUP_LIMIT_S)
        # In a thread, because a key may be in hardware that signs slowly.
        await asyncio.to_thread(store.check, self._host.config.store, self.probe.thumbprint)
        if self._host.scheme() == "https":
            # A certificate is being renewed: the live port already speaks TLS, and its present certificate does not matter
            # here.
            self._upstream = unverified()
        try:
            self.facts = await self._listen()
        except OSError as error:
            await self.close()
            message = f"the shadow listener cannot be opened on the server: {error.strerror or error}"
            raise StepError("shadow_failed", message, "Check the agent's rights and the server's free ports.") from error
        except StepError:
            await self.close()
            raise
        except asyncio.CancelledError:
            self.shut()
            raise

    async def close(self) -> None:
        """Do shut(), and wait until everything has ended. Never raises."""
        self.shut()
        await self._ended()

    @property
    @abstractmethod
    def handshakes(self) -> int:
        """Until now."""

    @property
    @abstractmethod
    def lookups(self) -> int:
        """Until now."""

    @abstractmethod
    def shut(self) -> None:
        """Close the listeners and all connections, without waiting for their end."""

    @abstractmethod
    async def _listen(self) -> dict[str, Any]:
        """Open both ports, and return the facts. Raises OSError or StepError."""

    @abstractmethod
    async def _ended(self) -> None:
        """Wait for the end of everything that shut() has closed. Never raises."""


def spare() -> socket.socket:
    """A listening socket on all addresses, including IPv6 if the machine has it, because terminals use the same addresses
    as for the live port. Raises OSError."""
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))
