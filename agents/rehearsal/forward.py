"""Forwards bytes between a client and the live service. The bytes are not parsed, only the requests are counted."""

import asyncio
import contextlib
import ssl

CHUNK = 65536
LAST_ANSWER_S = 60.0
_END_OF_REQUEST = b"\r\n\r\n"


class Total:
    """The number of requests on all connections."""

    def __init__(self) -> None:
        self.requests = 0


class Count:
    """Counts the requests of one connection by their ends, and adds them to the total. An empty line in a body counts as
    an end, too: the number is shown to people, and nothing is decided by it."""

    def __init__(self, total: Total) -> None:
        self._total = total
        self._tail = b""

    def see(self, data: bytes) -> None:
        """Count the requests in the next bytes of this connection."""
        ended, *rest = (self._tail + data).rsplit(_END_OF_REQUEST, 1)
        if rest:
            self._total.requests += 1 + ended.count(_END_OF_REQUEST)
        self._tail = (rest or [ended])[0][-(len(_END_OF_REQUEST) - 1) :]


async def both_ways(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    service: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    count: Count,
) -> None:
    """Forward in both directions until both have ended. If one side closes its direction, it is closed on the other side,
    and the other direction goes on. If a connection breaks, both end. Raises nothing except CancelledError."""
    jobs = [
        asyncio.ensure_future(_one_way(client[0], service[1], count)),
        asyncio.ensure_future(_one_way(service[0], client[1], None)),
    ]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        # After the client has closed its direction, the response may still come. After the service has, nothing more comes.
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
