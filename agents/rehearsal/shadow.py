"""The server's shadow listener: two spare ports, one with the very certificate that will be bound and one without
TLS, which pass on to the live service what tills ask. The live port, http.sys and the disk are left as they are."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents.errors import StepError
from agents.hosts import roots, store
from agents.hosts.windows import ServerHost
from agents.protocol import Rehearsal
from agents.rehearsal import effort, forward

MAX_CONNECTIONS = 1000
MAX_CHAIN = 10
HANDSHAKE_LIMIT_S = 20.0
UPSTREAM_LIMIT_S = 5.0
LOOKUP_LIMIT_S = 6.0
BACKLOG = 1024

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Shadow:
    """The two listeners, from open() to close(). lookups: requests that were passed on; handshakes: TLS connections
    that came about."""

    def __init__(self, host: ServerHost, order: Rehearsal) -> None:
        self.order = order
        self.handshakes = 0
        self.facts: dict[str, Any] = {}
        self._host = host
        self._count = forward.Total()
        self._servers: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._upstream: ssl.SSLContext | None = None

    @property
    def counts(self) -> dict[str, int]:
        """For the answer to `close`."""
        return {"handshakes": self.handshakes, "lookups": self._count.requests}

    async def open(self) -> None:
        """Listen; `facts` is then the answer to `open`. Raises StepError, and leaves nothing open then."""
        self._host.check_port(self.order.port)
        await self._host.lookup(self.order.member, LOOKUP_LIMIT_S)
        context, chain = certificate(self._host.config.store, self.order.thumbprint)
        if self._host.scheme() == "https":
            self._upstream = _unverified()  # a certificate is renewed: the live port speaks TLS already
        try:
            port = await self._listen(functools.partial(self._serve, tls=True), context)
            plain = await self._listen(functools.partial(self._serve, tls=False), None)
            cpu_ms = await asyncio.to_thread(effort.cpu_ms, context)
        except OSError as error:
            await self.close()
            message = f"the shadow listener cannot be opened on the server: {error.strerror or error}"
            raise StepError("shadow_failed", message, "Check the agent's rights and the server's free ports.") from error
        except asyncio.CancelledError:
            self.shut()
            raise
        self.facts = {"port": port, "plain_port": plain, "chain": chain, "cpu_ms": cpu_ms}

    def shut(self) -> None:
        """End the listeners and every connection, without waiting for them."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in self._serving:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait until they have ended; never raises."""
        self.shut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _listen(self, serve: _Serve, context: ssl.SSLContext | None) -> int:
        limit = HANDSHAKE_LIMIT_S if context else None
        sock = _spare()
        server = await asyncio.start_server(serve, sock=sock, ssl=context, ssl_handshake_timeout=limit, backlog=BACKLOG)
        self._servers.append(server)
        return int(sock.getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, tls: bool) -> None:
        self.handshakes += tls
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if len(self._serving) <= MAX_CONNECTIONS:
                await self._forward(reader, writer)
        except asyncio.CancelledError:
            pass  # close() ends it; asyncio would report the cancelled task as an error of its own
        finally:
            self._serving.discard(task)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of its own for every client, so that the live service sees what it would see."""
        try:
            async with asyncio.timeout(UPSTREAM_LIMIT_S):
                service = await asyncio.open_connection("127.0.0.1", self.order.port, ssl=self._upstream)
        except (OSError, TimeoutError):
            return  # the till sees that nobody answers, as it would at the live port
        try:
            await forward.both_ways((reader, writer), service, forward.Count(self._count))
        finally:
            service[1].close()


def certificate(folder: Path | None, thumbprint: str | None) -> tuple[ssl.SSLContext, list[str]]:
    """TLS as the live port will offer it with this certificate, and the chain (PEM, leaf first) that it will send.
    Raises StepError certificate_missing, certificate_key_missing or key_unreadable."""
    try:
        store.check(folder, thumbprint)
    except StepError as error:
        raise _explained(error) from error
    assert folder is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    pem, key = folder / f"{thumbprint}.pem", folder / f"{thumbprint}.key"
    try:
        context.load_cert_chain(pem, key, password=store.no_password)
        chain = [roots.pem(der) for der in roots.blocks(pem.read_bytes())[:MAX_CHAIN]]
    except (OSError, ssl.SSLError, ValueError) as error:
        message = f"the private key of certificate {thumbprint} cannot be used: {error}"
        remedy = "Check the rights on the key, that it belongs to this certificate, and import the PFX again."
        raise StepError("key_unreadable", message, remedy) from error
    return context, chain


def _explained(error: StepError) -> StepError:
    if error.finding.code != "certificate_key_missing":
        return error
    remedy = (
        f"{error.finding.remedy} Where Windows has the key but does not export it, this certificate cannot be "
        "rehearsed: a shadow listener through http.sys is not built yet."
    )
    return StepError(error.finding.code, error.finding.message, remedy)


def _unverified() -> ssl.SSLContext:
    """For the way to ourselves: which certificate the live port shows matters to nobody here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _spare() -> socket.socket:
    """A listening port on every address, IPv6 too where this machine has it: tills come by the same addresses as to
    the live port. Raises OSError."""
    sock = _listening()
    # Accepted connections inherit it; asyncio sets it only on sockets that it has made itself. Without it an answer
    # waits some 40 ms until the till has acknowledged the TLS tickets before it.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _listening() -> socket.socket:
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))
