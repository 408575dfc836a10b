"""One agent's WebSocket: what is said to it waits here until it is sent."""

import asyncio
import contextlib
import itertools
import logging
from typing import Any

from agents import protocol
from agents.log import said

log = logging.getLogger(__name__)

GOODBYE_LIMIT_S = 1
MOST_UNSENT = 500
_numbers = itertools.count(1)


class Gone(Exception):
    """The other side has left."""


class Connection:
    """What can be said to one connected agent. agent: its id, "" until it is recognised; number: later connections have
    higher ones; size: of the last message in bytes. What is said is sent by a job of its own, so that an agent that
    reads nothing holds up nobody."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_UNSENT)
        self._writer = asyncio.create_task(self._write())
        self._ended = False
        self.agent = ""
        self.number = next(_numbers)
        self.size = 0

    async def say(self, message: protocol.Message) -> None:
        """Send one message. Raises Gone when that is no longer possible."""
        self._put({"type": "websocket.send", "text": protocol.dump(message)})

    async def hear(self) -> protocol.Message:
        """The next message. Raises Gone or ProtocolError."""
        event = await self._receive()
        if self._ended or event["type"] != "websocket.receive":
            raise Gone
        text = event.get("text") or event.get("bytes") or ""
        self.size = len(text)
        return protocol.parse(text)

    async def end(self, code: str = "", message: str = "") -> None:
        """Close, with a reason if there is one; nothing that is heard after it counts. Never raises."""
        with contextlib.suppress(Gone):
            if code:
                await self.say(protocol.Refused(code, message))
            self._put({"type": "websocket.close", "code": 1000})
        self._ended = True
        await asyncio.wait([self._writer], timeout=GOODBYE_LIMIT_S)

    def close(self) -> None:
        """Give up what could not be sent."""
        self._ended = True
        self._writer.cancel()

    def _put(self, event: dict[str, Any]) -> None:
        if self._ended or self._writer.done():
            raise Gone
        try:
            self._out.put_nowait(event)
        except asyncio.QueueFull:
            self._ended = True  # it does not read what it is told
            raise Gone from None

    async def _write(self) -> None:
        event: dict[str, Any] = {"type": ""}
        try:
            while event["type"] != "websocket.close":
                event = await self._out.get()
                await self._send(event)
        except (OSError, RuntimeError) as error:
            log.debug("connection of %s was gone already: %s", self.agent, said(error))
