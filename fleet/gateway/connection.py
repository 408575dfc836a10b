"""One agent's WebSocket. Messages to the agent wait here until they are sent."""

import asyncio
import contextlib
import itertools
import logging
from typing import Any

from agents import protocol
from agents.log import said

log = logging.getLogger(__name__)

GOODBYE_LIMIT_S = 1  # how long an ending connection may take to send its last messages
MOST_UNSENT = 500  # messages; an agent that reads none of so many is cut off
_numbers = itertools.count(1)


class Gone(Exception):
    """The other side has left."""


class Connection:
    """One connected agent. A task of its own sends the messages, so that an agent that reads nothing delays nobody."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_UNSENT)
        self._writer = asyncio.create_task(self._write())
        self._ended = False
        self.agent = ""  # its id, once it is recognised
        self.number = next(_numbers)  # a later connection has a higher one
        self.size = 0  # of the last message that was heard: characters, or bytes of a binary frame

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
        """Close, with a reason if there is one. Messages that arrive afterwards do not count. Never raises."""
        with contextlib.suppress(Gone):
            if code:
                await self.say(protocol.Refused(code, message))
            self._put({"type": "websocket.close", "code": 1000})
        self._ended = True
        await asyncio.wait([self._writer], timeout=GOODBYE_LIMIT_S)

    def close(self) -> None:
        """Drop the messages that are not sent yet."""
        self._ended = True
        self._writer.cancel()

    def _put(self, event: dict[str, Any]) -> None:
        if self._ended or self._writer.done():
            raise Gone
        try:
            self._out.put_nowait(event)
        except asyncio.QueueFull:
            self._ended = True  # it does not read its messages
            raise Gone from None

    async def _write(self) -> None:
        event: dict[str, Any] = {"type": ""}
        try:
            while event["type"] != "websocket.close":
                event = await self._out.get()
                await self._send(event)
        except (OSError, RuntimeError) as error:
            log.debug("connection of %s was gone already: %s", self.agent, said(error))
