"""Bytes from a client to the live service and back, unread but for counting."""

import asyncio
import contextlib
import ssl

CHUNK = 65536
LAST_ANSWER_S = 60.0
_END_OF_REQUEST = b"\r\n\r\n"


class Total:
    """requests: of all connections together."""

    def __init__(self) -> None:
        self.requests = 0


class Count:
    """Adds to the total how often a request has ended in the bytes of one connection; lookups have no body."""

    def __init__(self, total: Total) -> None:
        self._total = total
        self._tail = b""

    def see(self, data: bytes) -> None:
        """The next bytes of this connection."""
        ended, *rest = (self._tail + data).rsplit(_END_OF_REQUEST, 1)
        if rest:
            self._total.requests += 1 + ended.count(_END_OF_REQUEST)
        self._tail = (rest or [ended])[0][-(len(_END_OF_REQUEST) - 1) :]


async def both_ways(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    service: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    count: Count,
) -> None:
    """Until both directions have ended: one that is closed is closed on the other side, and the other one goes on.
    A side that breaks ends both. Never raises but for being cancelled."""
    jobs = [
        asyncio.ensure_future(_one_way(client[0], service[1], count)),
        asyncio.ensure_future(_one_way(service[0], client[1], None)),
    ]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        # A client that has said everything may still be answered. A service that has ended answers nothing more.
        if not jobs[1].done() and jobs[0].exception() is None:
            await asyncio.wait(jobs[1:], timeout=LAST_ANSWER_S)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count | None) -> None:
    while data := await reader.read(CHUNK):
        if count is not None:
            count.see(data)
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.write_eof()
    else:
        writer.close()  # TLS has no half-closed connections
