"""Stands between one terminal and its server for a minute, for plain HTTP. Bytes go on as they come, in both directions, and
are never altered: what is recorded is a copy."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from typing import Protocol

CHUNK = 65536
CONNECT_LIMIT_S = 6.0
MOST_CONNECTIONS = 100


class Observer(Protocol):
    """Gets copies of what one connection carries."""

    def asked(self, data: bytes) -> None:
        """Bytes from the terminal; b"" when it sends no more."""

    def answered(self, data: bytes) -> None:
        """Bytes from the server; b"" when it sends no more."""


class Relay:
    """host, port: the server; observe(number): who gets copies of the connection with this number."""

    def __init__(self, host: str, port: int, observe: Callable[[int], Observer]) -> None:
        self._host, self._port, self._observe = host, port, observe
        self._numbers = itertools.count(1)
        self._under_way: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.refused = 0
        """Connections for which the server could not be reached."""

    async def open(self, listen: str | None, port: int) -> int:
        """Begin to listen; the port. listen: an address of this machine, None for all; port: 0 for a free one. Raises
        OSError."""
        self._server = await asyncio.start_server(self._serve, sock=_socket(listen, port))
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more, and end what is under way."""
        if self._server is None:
            return
        self._server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._under_way) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._under_way.add(task)
        try:
            await self._relay(reader, writer)
        except asyncio.CancelledError:
            pass  # close() ends it; asyncio would report the cancelled task as an error of its own
        finally:
            self._under_way.discard(task)
            await _close(writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                upstream, onward = await asyncio.open_connection(self._host, self._port)
        except OSError:  # TimeoutError is one
            self.refused += 1
            return
        observer = self._observe(next(self._numbers))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, onward, observer.asked))
                both.create_task(_pump(upstream, writer, observer.answered))
        except* OSError:
            pass  # one side is gone, and so is the other now
        finally:
            await _close(onward)


def _socket(listen: str | None, port: int) -> socket.socket:
    """One socket for IPv4 and IPv6 where that can be: two would have two ports, when any free one is wanted."""
    if listen is not None:
        return socket.create_server((listen, port))
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: Callable[[bytes], None]) -> None:
    """Everything that comes, until it ends; then the other side is told that no more will come."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
        copy(data)
    if writer.can_write_eof():
        writer.write_eof()
    copy(b"")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
