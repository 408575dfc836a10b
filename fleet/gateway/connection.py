"""One agent's WebSocket, from the challenge to its end."""

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from agents import points, protocol
from fleet.gateway.threads import in_thread
from fleet.services import agents, clock
from fleet.services.errors import Invalid

if TYPE_CHECKING:
    from fleet.gateway.desk import Desk

log = logging.getLogger(__name__)

HELLO_LIMIT_S = 10
SILENCE_LIMIT_S = 30  # an agent beats every few seconds


class Gone(Exception):
    """The other side has left."""


class Connection:
    """What can be said to one connected agent. agent: its id, "" until it is recognised."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self.agent = ""

    async def say(self, message: protocol.Message) -> None:
        """Send one message. Raises Gone when that is no longer possible."""
        try:
            await self._send({"type": "websocket.send", "text": protocol.dump(message)})
        except (OSError, RuntimeError) as error:
            raise Gone from error

    async def hear(self, limit_s: float) -> protocol.Message:
        """The next message. Raises Gone, TimeoutError or ProtocolError."""
        async with asyncio.timeout(limit_s):
            event = await self._receive()
        if event["type"] != "websocket.receive":
            raise Gone
        return protocol.parse(event.get("text") or event.get("bytes") or "")

    async def end(self, code: str = "", message: str = "") -> None:
        """Close, with a reason if there is one. Never raises."""
        try:
            if code:
                await self.say(protocol.Refused(code, message))
            await self._send({"type": "websocket.close", "code": 1000})
        except (Gone, OSError, RuntimeError) as error:
            log.debug("connection of %s was gone already: %r", self.agent, error)


async def serve(desk: "Desk", receive: Any, send: Any) -> None:
    """Talk with one agent until it leaves."""
    connection = Connection(receive, send)
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    try:
        await _admit(connection)
        await desk.arrived(connection)
        while True:
            await _answer(desk, connection, await connection.hear(SILENCE_LIMIT_S))
    except Gone:
        log.debug("%s left", connection.agent)
    except TimeoutError:
        await connection.end()
    except agents.Stranger as stranger:
        log.warning("refused an agent: %s (%s)", stranger.code, stranger)
        await connection.end(stranger.code, str(stranger))
    except protocol.ProtocolError as error:
        log.warning("agent %s: bad message: %s", connection.agent, error)
        await connection.end("bad_message", str(error))
    except DatabaseError as error:
        # The agent comes again in a moment; what it had to say is still on its disk.
        log.warning("agent %s: the database cannot be reached: %s", connection.agent, error)
        await connection.end()
    finally:
        await desk.left(connection)


async def _admit(connection: Connection) -> None:
    """Challenge, perhaps enrolment, hello, welcome. Raises Stranger."""
    nonce = secrets.token_urlsafe(24)
    await connection.say(protocol.Challenge(nonce, clock.to_ms(clock.now())))
    message = await connection.hear(HELLO_LIMIT_S)
    if isinstance(message, protocol.Enrol):
        await connection.say(await in_thread(agents.enrol, message, nonce, clock.now()))
        message = await connection.hear(HELLO_LIMIT_S)
    if not isinstance(message, protocol.Hello):
        raise protocol.ProtocolError("type", "say hello first")
    agent = await in_thread(agents.recognise, message, nonce, clock.now())
    connection.agent = agent.pk
    points.reached("gateway.agent_recognised")
    await connection.say(protocol.Welcome(agent.acked, clock.to_ms(clock.now())))


async def _answer(desk: "Desk", connection: Connection, message: protocol.Message) -> None:
    match message:
        case protocol.StepDone() | protocol.Finished():
            points.reached("gateway.report_received")
            await desk.reports.put((connection.agent, message))
        case protocol.Rehearsed():
            await desk.looks.answers.put((connection.agent, message))
        case protocol.Beat():
            await connection.say(protocol.Beat(clock.to_ms(clock.now())))
        case protocol.Inventory():
            try:
                await in_thread(agents.take_inventory, connection.agent, message.facts)
            except Invalid as error:
                log.warning("agent %s: inventory not taken: %s", connection.agent, error)
        case _:
            raise protocol.ProtocolError("type", "is not for an agent to say")
