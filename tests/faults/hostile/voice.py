"""One connection to the gateway, and the messages on it. Messages of an honest agent are built from the protocol's own
classes; others are dictionaries or raw bytes."""

import asyncio
import contextlib
import dataclasses
import json
import secrets
import sys
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from agents import protocol
from agents.config import Config
from agents.identity import Identity
from agents.net import tls_context

Words = dict[str, Any]
OPEN_S, ANSWER_S = 10.0, 15.0
LIFE = secrets.token_hex(16)  # of this process; each process of an honest agent has one, too


class Shut(Exception):
    """The gateway refused. The text is its code."""


GONE = (OSError, TimeoutError, WebSocketException, Shut)  # how a connection ends


def message(kind: str, **values: Any) -> Words:
    """A message as an honest agent of this version sends it. Values for fields that it does not have are left out."""
    cls = protocol.TYPES[kind]
    known = {field.name for field in dataclasses.fields(cls)}
    return {"type": kind, "v": protocol.VERSION, **{name: value for name, value in values.items() if name in known}}


class Voice:
    """One open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._in_order = asyncio.Lock()
        self.n = 0  # the number of the last report; after the welcome it is the last one that the dashboard has

    async def say(self, words: Words) -> None:
        """Send one message, of any form."""
        await self.raw(json.dumps(words, separators=(",", ":")))

    async def raw(self, data: str | bytes) -> None:
        """Send one frame."""
        async with asyncio.timeout(ANSWER_S):
            await self._socket.send(data)

    async def report(self, **report: Any) -> None:
        """Send this StepDone or Finished, with the next number if it has none."""
        async with self._in_order:
            self.n += 1
            await self.say({"v": protocol.VERSION, "n": self.n, **report})

    async def hear(self, limit_s: float = ANSWER_S) -> Words:
        """The gateway's next message. Raises Shut, TimeoutError, ConnectionClosed."""
        async with asyncio.timeout(limit_s):
            words: Words = json.loads(await self._socket.recv())
        if words["type"] == "Refused":
            raise Shut(words["code"])
        return words


def tell(event: str, **more: Any) -> None:
    """Print one line for the harness."""
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Voice]:
    """A new connection without any message. Raises OSError, WebSocketException, TimeoutError."""
    async with connect(
        config.gateway, ssl=tls_context(config.gateway_ca), proxy=None, open_timeout=OPEN_S, close_timeout=1,
        ping_interval=None, compression=None, max_size=None,
    ) as socket:  # fmt: skip
        yield Voice(socket)


def hello(identity: Identity, nonce: str, **more: Any) -> Words:
    """An honest hello on a connection with this nonce. more: other values for its fields."""
    assert identity.known is not None
    agent = identity.known.agent
    signature = identity.sign(protocol.hello_payload(nonce, agent))
    # An older agent also says two bare numbers, its epoch and its sequence.
    honest = {"agent": agent, "signature": signature, "version": protocol.VERSION, "epoch": 0, "seq": 0, "life": LIFE, **more}
    return message("Hello", **honest)
