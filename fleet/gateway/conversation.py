"""The conversation with one agent, from the challenge to the end of its connection."""

import asyncio
import logging
import secrets
from typing import Any

from django.db import DatabaseError, InterfaceError

from agents import failpoints, protocol
from agents.log import said
from fleet.gateway.connection import Connection, Gone
from fleet.gateway.hub import Hub
from fleet.gateway.limits import slim
from fleet.gateway.threads import in_thread
from fleet.services import clock, keys
from fleet.services.agents import admission

log = logging.getLogger(__name__)

HELLO_LIMIT_S = 10
SILENCE_LIMIT_S = 30  # an agent sends a Beat every few seconds


async def serve(hub: Hub, receive: Any, send: Any) -> None:
    """Talk with one agent until it leaves."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    connection = Connection(receive, send)
    try:
        await _talk(hub, connection)
    except Gone:
        log.debug("%s left", connection.agent)
    except TimeoutError:
        await connection.end()
    except admission.AgentRejected as rejected:
        log.warning("refused an agent: %s (%s)", rejected.code, said(rejected))
        await connection.end(rejected.code, str(rejected))
    except protocol.ProtocolError as error:
        log.warning("agent %s: bad message: %s", connection.agent, said(error))
        await connection.end("bad_message", said(error))
    except keys.Missing as error:
        log.critical("%s", error)
        await connection.end("not_ready", "the dashboard's keys are missing; its log says what to do")
    except (DatabaseError, InterfaceError) as error:
        # The agent connects again in a moment, and still has its reports on its disk.
        log.warning("agent %s: the database cannot be reached: %s", connection.agent, said(error))
        await connection.end()
    except Exception as error:
        log.exception("agent %s: its connection ends: %s", connection.agent, type(error).__name__)
        await connection.end()
    finally:
        connection.close()
        await hub.left(connection)


async def _talk(hub: Hub, connection: Connection) -> None:
    await _admit(hub, connection)
    await hub.arrived(connection)
    while True:
        async with asyncio.timeout(SILENCE_LIMIT_S):
            message = await connection.hear()
        if not hub.allowances.spend(connection.agent, connection.size):
            raise admission.too_much()
        await _answer(hub, connection, message)


async def _admit(hub: Hub, connection: Connection) -> None:
    """Challenge, perhaps enrolment, hello, welcome. Raises AgentRejected."""
    nonce = secrets.token_urlsafe(24)
    await connection.say(protocol.Challenge(nonce, clock.to_ms(clock.now())))
    async with hub.unidentified.wait(HELLO_LIMIT_S):
        message = await connection.hear()
    if isinstance(message, protocol.Enrol):
        await connection.say(await in_thread(admission.enrol, message, nonce, clock.now()))
        async with hub.unidentified.wait(HELLO_LIMIT_S):
            message = await connection.hear()
    if not isinstance(message, protocol.Hello):
        raise protocol.ProtocolError("type", "say hello first")
    agent = await hub.recognise(connection, message, nonce)
    connection.agent = agent.pk
    failpoints.reached("gateway.agent_recognised")
    await connection.say(protocol.Welcome(agent.acked, clock.to_ms(clock.now())))


async def _answer(hub: Hub, connection: Connection, message: protocol.Message) -> None:
    match message:
        case protocol.StepDone() | protocol.Finished():
            failpoints.reached("gateway.report_received")
            await hub.reports.put(connection.agent, slim(message, connection.size))
        case protocol.Rehearsed():
            await hub.rehearsed.waiting.put(connection.agent, message)
        case protocol.Inquired():
            await hub.inquired.waiting.put(connection.agent, message)
        case protocol.Beat():
            await connection.say(protocol.Beat(clock.to_ms(clock.now())))
        case protocol.Inventory():
            hub.inventories.put(connection.agent, message.facts)
        case _:
            raise protocol.ProtocolError("type", "is not for an agent to say")
