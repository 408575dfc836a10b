"""Servers of our own for the relay: each says exactly the bytes that a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(serve: Serve, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """The port of a server that treats each connection so."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(one, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def saying(answers: list[bytes], heard: bytearray) -> Serve:
    """Reads until the terminal sends no more, or says each answer after a blank line was read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(answers)
        while data := await reader.read(65536):
            heard.extend(data)
            while left and heard.count(b"\r\n\r\n") > len(answers) - len(left):
                writer.write(left.pop(0))
                await writer.drain()

    return serve


async def talk(port: int, pieces: list[bytes], *, ends: bool = True) -> bytes:
    """Send these pieces and return everything that came back. ends: say first that no more will come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    if ends:
        writer.write_eof()
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data
