"""One agent's WebSocket, from the challenge to its end."""

import asyncio
import contextlib
import itertools
import logging
import secrets
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError

from agents import failpoints, protocol
from agents.log import said
from fleet.gateway.limits import slim
from fleet.gateway.threads import in_thread
from fleet.services import clock, keys
from fleet.services.agents import admission

if TYPE_CHECKING:
    from fleet.gateway.desk import Desk

log = logging.getLogger(__name__)

HELLO_LIMIT_S = 10
SILENCE_LIMIT_S = 30  # an agent beats every few seconds
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


async def serve(desk: "Desk", receive: Any, send: Any) -> None:
    """Talk with one agent until it leaves."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    connection = Connection(receive, send)
    try:
        await _talk(desk, connection)
    except Gone:
        log.debug("%s left", connection.agent)
    except TimeoutError:
        await connection.end()
    except admission.Stranger as stranger:
        log.warning("refused an agent: %s (%s)", stranger.code, said(stranger))
        await connection.end(stranger.code, str(stranger))
    except protocol.ProtocolError as error:
        log.warning("agent %s: bad message: %s", connection.agent, said(error))
        await connection.end("bad_message", said(error))
    except keys.Missing as error:
        log.critical("%s", error)
        await connection.end("not_ready", "the dashboard's keys are missing; its log says what to do")
    except (DatabaseError, InterfaceError) as error:
        # The agent comes again in a moment; what it had to say is still on its disk.
        log.warning("agent %s: the database cannot be reached: %s", connection.agent, said(error))
        await connection.end()
    except Exception as error:
        log.exception("agent %s: its connection ends: %s", connection.agent, type(error).__name__)
        await connection.end()
    finally:
        connection.close()
        await desk.left(connection)


async def _talk(desk: "Desk", connection: Connection) -> None:
    await _admit(desk, connection)
    await desk.arrived(connection)
    while True:
        async with asyncio.timeout(SILENCE_LIMIT_S):
            message = await connection.hear()
        if not desk.allowances.spend(connection.agent, connection.size):
            raise admission.too_much()
        await _answer(desk, connection, message)


async def _admit(desk: "Desk", connection: Connection) -> None:
    """Challenge, perhaps enrolment, hello, welcome. Raises Stranger."""
    nonce = secrets.token_urlsafe(24)
    await connection.say(protocol.Challenge(nonce, clock.to_ms(clock.now())))
    async with desk.strangers.wait(HELLO_LIMIT_S):
        message = await connection.hear()
    if isinstance(message, protocol.Enrol):
        await connection.say(await in_thread(admission.enrol, message, nonce, clock.now()))
        async with desk.strangers.wait(HELLO_LIMIT_S):
            message = await connection.hear()
    if not isinstance(message, protocol.Hello):
        raise protocol.ProtocolError("type", "say hello first")
    agent = await desk.recognise(connection, message, nonce)
    connection.agent = agent.pk
    failpoints.reached("gateway.agent_recognised")
    await connection.say(protocol.Welcome(agent.acked, clock.to_ms(clock.now())))


async def _answer(desk: "Desk", connection: Connection, message: protocol.Message) -> None:
    match message:
        case protocol.StepDone() | protocol.Finished():
            failpoints.reached("gateway.report_received")
            await desk.reports.put(connection.agent, slim(message, connection.size))
        case protocol.Rehearsed():
            await desk.looks.answers.put(connection.agent, message)
        case protocol.Beat():
            await connection.say(protocol.Beat(clock.to_ms(clock.now())))
        case protocol.Inventory():
            desk.inventories.put(connection.agent, message.facts)
        case _:
            raise protocol.ProtocolError("type", "is not for an agent to say")
