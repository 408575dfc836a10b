"""A small HTTP/1.1 client on h11: one connection, one request at a time, TLS verified. The agent needs its own, because it must
see the handshake (version, certificate, milliseconds) and reuse the connection."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import ssl
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self

import h11

from agents.bounds import MAX_BODY_BYTES
from agents.net import Network


class Reader(Protocol):
    """The reading half of a connection."""

    async def read(self, n: int = ..., /) -> bytes:
        """The next bytes, at most n; b"" at the end. Raises OSError or ssl.SSLError."""
        ...


class Writer(Protocol):
    """The writing half, with the methods of asyncio.StreamWriter."""

    def write(self, data: bytes, /) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...
    async def wait_closed(self) -> None: ...
    def get_extra_info(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Response:
    """A response, read to its end."""

    status: int
    body: bytes
    ms: float  # from sending the request to the last byte; by perf_counter(), since monotonic() has steps of 15.6 ms on Windows
    headers: tuple[tuple[str, str], ...] = ()


class Connection:
    """One connection that is kept alive. open() sets tls_version ("TLSv1.3", or None without TLS), thumbprint (SHA-1 of the
    peer certificate, 40 upper-case hex digits, or None) and connect_ms."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None, network: Network, timeout_s: float = 6.0) -> None:
        self.host, self.port = host, port
        self.tls, self.network, self.timeout_s = tls, network, timeout_s
        self.tls_version: str | None = None
        self.thumbprint: str | None = None
        self.connect_ms = 0.0
        self._h11 = h11.Connection(h11.CLIENT)
        self._streams: tuple[Reader, Writer] | None = None

    async def open(self) -> Self:
        """Connect, including the TLS handshake. Raises OSError, ssl.SSLError or TimeoutError."""
        begun = time.perf_counter()
        async with asyncio.timeout(self.timeout_s):
            await self.network.before_request()
            self._streams = await self._connect()
        self.connect_ms = (time.perf_counter() - begun) * 1000
        if self.tls:
            try:
                self._look_at_peer()
            except ssl.SSLError:
                await self.close()
                raise
        return self

    @property
    def alive(self) -> bool:
        """Whether another request can be made: the connection is open, and the server's last response did not close it."""
        return self._streams is not None

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        """One GET. Raises as ask() does."""
        return await self.ask("GET", path, tuple((headers or {}).items()))

    async def ask(self, method: str, target: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Response:
        """One request. Host and Content-Length are added here. Raises OSError, TimeoutError, h11.LocalProtocolError for a
        request that is no HTTP, h11.RemoteProtocolError for a response that is none."""
        begun = time.perf_counter()
        async with asyncio.timeout(self.timeout_s):
            await self.network.before_request()
            status, response_headers, response_body = await self._exchange(method, target, headers, body)
        return Response(status, response_body, (time.perf_counter() - begun) * 1000, response_headers)

    async def close(self) -> None:
        """Close; never raises."""
        if self._streams:
            writer, self._streams = self._streams[1], None
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _connect(self) -> tuple[Reader, Writer]:
        name = self.host if self.tls else None
        return await asyncio.open_connection(self.host, self.port, ssl=self.tls, server_hostname=name)

    async def _exchange(
        self, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        if self._streams is None:
            raise ConnectionError("the connection is not open")
        reader, writer = self._streams
        length = [("Content-Length", str(len(body)))] if body or method not in ("GET", "HEAD", "OPTIONS") else []
        request = h11.Request(method=method, target=target, headers=[("Host", f"{self.host}:{self.port}"), *length, *headers])
        data = self._h11.send(request)
        if body:
            data += self._h11.send(h11.Data(data=body))
        writer.write(data + self._h11.send(h11.EndOfMessage()))
        await writer.drain()
        return await self._response(reader)

    async def _response(self, reader: Reader) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        status, body = 0, b""
        headers: tuple[tuple[str, str], ...] = ()
        while True:
            event: Any = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    raise ConnectionError(f"the response is larger than {MAX_BODY_BYTES} bytes")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the server closed the connection without a response")
        if self._h11.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._h11.start_next_cycle()
        else:
            await self.close()
        return status, headers, body

    def _look_at_peer(self) -> None:
        assert self._streams is not None
        peer: ssl.SSLObject = self._streams[1].get_extra_info("ssl_object")
        self.tls_version = peer.version()
        self.thumbprint = hashlib.sha1(peer.getpeercert(binary_form=True) or b"").hexdigest().upper()
        valid = peer.getpeercert() or {}
        if "notBefore" in valid and "notAfter" in valid:
            self.network.check_validity(_time(valid["notBefore"]), _time(valid["notAfter"]))


def _time(text: Any) -> dt.datetime:
    return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), dt.UTC)
