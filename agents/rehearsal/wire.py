"""A connection that can be measured: the time of each phase of connecting, the bytes of TCP payload in both directions, and
resumed TLS sessions. asyncio's own TLS shows none of these."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from agents.http import Connection, Reader, Writer
from agents.net import Network
from agents.rehearsal.forward import CHUNK


class Wire:
    """One TCP connection, with TLS if there is a context. open() sets dns_ms, tcp_ms, tls_ms (0 without TLS), address and
    own_address (both ends, as text). sent and received: bytes until now."""

    def __init__(self) -> None:
        self.sent = self.received = 0
        self.dns_ms = self.tcp_ms = self.tls_ms = 0.0
        self.address = self.own_address = ""
        self.tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None, session: ssl.SSLSession | None = None) -> None:
        """Resolve the name, connect, and do the TLS handshake. session: from an earlier connection with the same context, to be
        resumed. Raises OSError or ssl.SSLError; then nothing stays open."""
        try:
            await self._connect(host, port)
            if tls is not None:
                begun = time.perf_counter()
                self.tls = tls.wrap_bio(self._in, self._out, server_hostname=host, session=session)
                await self._shake(self.tls)
                self.tls_ms = _since(begun)
        except BaseException:
            self.close()
            raise

    async def read(self, n: int = CHUNK) -> bytes:
        """The next bytes, at most n; b"" at the end. Raises OSError or ssl.SSLError."""
        if self.tls is None:
            return await self._receive(n)
        while True:
            try:
                return self.tls.read(n)
            except ssl.SSLWantReadError:
                await self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    def write(self, data: bytes) -> None:
        """Send these bytes. drain() waits until there is room for more."""
        if self.tls is None:
            self._send(data)
        else:
            self.tls.write(data)
            self._flush()

    async def drain(self) -> None:
        """Raises OSError."""
        await self._open[1].drain()

    def close(self) -> None:
        """Send TLS's close message and close. Never raises."""
        if self._streams is None:
            return
        if self.tls is not None:
            with contextlib.suppress(ssl.SSLError, ValueError):
                self.tls.unwrap()  # raises while the other side's close message is missing, but ours is in the buffer then
            self._flush()
        self._streams[1].close()

    async def wait_closed(self) -> None:
        """Raises OSError."""
        if self._streams is not None:
            await self._streams[1].wait_closed()

    def get_extra_info(self, name: str) -> ssl.SSLObject | None:
        """The TLS object, under the name that asyncio uses."""
        return self.tls if name == "ssl_object" else None

    async def _connect(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.dns_ms = _since(begun)
        begun = time.perf_counter()
        sock = await _first(found)
        self.tcp_ms = _since(begun)
        self.address, self.own_address = str(sock.getpeername()[0]), str(sock.getsockname()[0])
        self._streams = await asyncio.open_connection(sock=sock)

    async def _shake(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._fill()
            else:
                self._flush()
                return

    async def _fill(self) -> None:
        self._flush()
        if data := await self._receive(CHUNK):
            self._in.write(data)
        else:
            self._in.write_eof()

    async def _receive(self, n: int) -> bytes:
        data = await self._open[0].read(n)
        self.received += len(data)
        return data

    def _flush(self) -> None:
        if data := self._out.read():
            self._send(data)

    def _send(self, data: bytes) -> None:
        self.sent += len(data)
        self._open[1].write(data)

    @property
    def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionError("the connection is not open")
        return self._streams


class Measured(Connection):
    """A Connection over a Wire. session: the one to resume, None for a full handshake."""

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, network: Network, timeout_s: float,
        session: ssl.SSLSession | None = None,
    ) -> None:  # fmt: skip
        super().__init__(host, port, tls=tls, network=network, timeout_s=timeout_s)
        self.wire = Wire()
        self._session = session

    @property
    def bytes(self) -> int:
        """Bytes in both directions until now."""
        return self.wire.sent + self.wire.received

    @property
    def session(self) -> ssl.SSLSession | None:
        """For a later connection to resume. With TLS 1.3 it is known only after the first response."""
        return self.wire.tls.session if self.wire.tls else None

    @property
    def resumed(self) -> bool:
        """Whether the server has resumed the session."""
        return bool(self.wire.tls and self.wire.tls.session_reused)

    async def _connect(self) -> tuple[Reader, Writer]:
        await self.wire.open(self.host, self.port, self.tls, self._session)
        return self.wire, self.wire


async def _first(found: Sequence[tuple[int, int, int, str, Any]]) -> socket.socket:
    """A socket that is connected to the first address that accepts. Raises the last OSError."""
    loop = asyncio.get_running_loop()
    last: OSError = OSError("the name has no address")
    for family, kind, number, _, address in found:
        sock = socket.socket(family, kind, number)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            last = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise last


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
