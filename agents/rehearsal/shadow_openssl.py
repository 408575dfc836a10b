"""The shadow listener on systems without http.sys: OpenSSL with the key's file. It forwards bytes without parsing them."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents.bounds import MAX_CHAIN
from agents.errors import StepError
from agents.hosts.certstore import roots, store
from agents.hosts.host import ServerHost
from agents.protocol import Rehearsal
from agents.rehearsal import effort, forward, shadow
from agents.rehearsal.shadow import Shadow

MAX_CONNECTIONS = 1000

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class OpenSslShadow(Shadow):
    """Opens a connection to the live service for each client."""

    handshakes = 0

    def __init__(self, host: ServerHost, probe: Rehearsal) -> None:
        super().__init__(host, probe)
        self._count = forward.Total()
        self._servers: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def lookups(self) -> int:
        return self._count.requests

    def shut(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in self._serving:
            task.cancel()

    async def _ended(self) -> None:
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _listen(self) -> dict[str, Any]:
        folder, thumbprint = self._host.config.store, self.probe.thumbprint
        assert folder is not None  # store.check() has made sure
        context, chain = certificate(folder, thumbprint or "")
        port = await self._start(functools.partial(self._serve, tls=True), context)
        plain = await self._start(functools.partial(self._serve, tls=False), None)
        cpu_ms = await asyncio.to_thread(effort.cpu_ms, context)
        return {"port": port, "plain_port": plain, "chain": chain, "cpu_ms": cpu_ms}

    async def _start(self, serve: _Serve, context: ssl.SSLContext | None) -> int:
        limit = shadow.HANDSHAKE_LIMIT_S if context else None
        sock = _spare()
        server = await asyncio.start_server(serve, sock=sock, ssl=context, ssl_handshake_timeout=limit, backlog=shadow.BACKLOG)
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
        """Use one connection to the live service for each client, so that the service sees the same connections as without
        us."""
        try:
            async with asyncio.timeout(shadow.UPSTREAM_LIMIT_S):
                service = await asyncio.open_connection("127.0.0.1", self.probe.port, ssl=self._upstream)
        except (OSError, TimeoutError):
            return  # the terminal sees a closed connection, as it would at the live port
        try:
            await forward.both_ways((reader, writer), service, forward.Count(self._count))
        finally:
            service[1].close()


def certificate(folder: Path, thumbprint: str) -> tuple[ssl.SSLContext, list[str]]:
    """A TLS context like that of the live port with this certificate, and the chain (PEM, leaf first) that it will send. Raises
    StepError key_unreadable."""
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


def _spare() -> socket.socket:
    """A spare port with TCP_NODELAY. Raises OSError."""
    sock = shadow.spare()
    # Accepted connections inherit it; asyncio sets it only on sockets that it has made itself. Without it, a response would
    # wait about 40 ms until the terminal has acknowledged the TLS tickets that precede it.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
