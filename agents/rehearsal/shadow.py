"""The server's shadow listener: two spare ports, one with the very certificate that will be bound and one without
TLS, which pass on to the live service what tills ask. The live port is left as it is. Two kinds: shadow_httpsys.py on
Windows, where SCHANNEL will serve and the key may not be exported; shadow_openssl.py elsewhere."""

import asyncio
import contextlib
import socket
import ssl
from abc import ABC, abstractmethod
from typing import Any

from agents.errors import StepError
from agents.hosts.certstore import store
from agents.hosts.host import ServerHost
from agents.net import unverified
from agents.protocol import Rehearsal

HANDSHAKE_LIMIT_S = 20.0
UPSTREAM_LIMIT_S = 5.0
LOOKUP_LIMIT_S = 6.0
BACKLOG = 1024


class Shadow(ABC):
    """The two listeners, from open() to close(). lookups: requests that were passed on; handshakes: TLS connections
    that came about."""

    def __init__(self, host: ServerHost, probe: Rehearsal) -> None:
        self.probe = probe
        self.facts: dict[str, Any] = {}
        self._host = host
        self._upstream: ssl.SSLContext | None = None

    @property
    def counts(self) -> dict[str, int]:
        """For the answer to `close`."""
        return {"handshakes": self.handshakes, "lookups": self.lookups}

    async def open(self) -> None:
        """Listen; `facts` is then the answer to `open`. Raises StepError, and leaves nothing open then."""
        self._host.check_port(self.probe.port)
        await self._host.lookup(self.probe.member, LOOKUP_LIMIT_S)
        # In a thread: a key may be in hardware that takes its time to sign.
        await asyncio.to_thread(store.check, self._host.config.store, self.probe.thumbprint)
        if self._host.scheme() == "https":
            # A certificate is renewed: the live port speaks TLS already, and which one it shows matters to nobody here.
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
        """What shut() does, and wait until all has ended; never raises."""
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
        """End the listeners and every connection, without waiting for them."""

    @abstractmethod
    async def _listen(self) -> dict[str, Any]:
        """Open both ports; the facts. Raises OSError, StepError."""

    @abstractmethod
    async def _ended(self) -> None:
        """Wait for what shut() has begun; never raises."""


def spare() -> socket.socket:
    """A listening port on every address, IPv6 too where this machine has it: tills come by the same addresses as to
    the live port. Raises OSError."""
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))
