"""Messages that are too many, too deep, too long, or not of this protocol at all."""

import asyncio
import contextlib
import socket
from typing import Any
from urllib.parse import urlsplit

from agents import protocol
from tests.faults.hostile import voice
from tests.faults.hostile.numbers import finished, step
from tests.faults.hostile.till import Till
from tests.faults.hostile.voice import GONE, Voice, tell

REPORTS, INVENTORIES, SILENT = 20_000, 60, 60
REFUSED_S, CONNECT_S = 0.3, 5.0
ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\n2026-01-01 INFO fleet: admin approved\u202e\x00\x85\u2028"
MARK = "zq-noise"  # in what it sends before it is known, so that a test can search the log for it


async def flood(till: Till, line: Voice) -> None:
    """Twenty thousand reports as fast as possible, each about another instruction and with two kilobytes of evidence. If
    it is cut off, it goes on with the next connection."""
    evidence = {"text": "x" * 2000}
    while till.poured < REPORTS:
        till.poured += 1
        name = ("secured", "interface_list", "member_lookup")[till.poured % 3]
        await line.report(**step(till, seq=10_000 + till.poured, step=name, evidence=evidence))
    tell("flooded", sent=till.poured)


async def flood_facts(till: Till) -> None:
    """Many inventories, each different, nested, and as large as a message may be."""

    async def pour(line: Voice) -> None:
        for number in range(INVENTORIES):
            facts: Any = {f"{number}-{i}": "y" * 100 for i in range(900)}
            for _ in range(30):
                facts = {"scheme": "https", "deeper": facts}
            await line.say(voice.message("Inventory", facts=facts))
            await line.say(voice.message("Inventory", facts={"scheme": "http", "list": [[[number]]] * 20_000}))

    await till.on_a_line(pour)


async def garbage(till: Till) -> None:
    """Bytes, deep JSON, huge messages and names with control codes, before it is known and afterwards."""
    for known in (False, True):
        for frame in _frames():
            with contextlib.suppress(*GONE):
                async with till.speaking() if known else voice.connected(till.config) as line:
                    await line.raw(frame)
                    while True:  # until it is refused, or nothing comes
                        await line.hear(REFUSED_S)

    async def with_escapes(line: Voice) -> None:
        finding = {"code": f"x{ESCAPES}", "message": ESCAPES * 3, "remedy": "<script>alert(1)</script>{{7*7}}"}
        facts = {"scheme": "http", "host": ESCAPES, "error": ESCAPES, ESCAPES: ESCAPES}
        await line.say(voice.message("Inventory", facts=facts))
        await line.report(**finished(till, outcome="refused", seq=4711, finding=finding))

    await till.on_a_line(with_escapes)


async def silent(till: Till) -> None:
    """Connections on which it sends nothing, some without TLS and some without a hello. They stay open."""
    where = urlsplit(till.config.gateway)
    open_now = asyncio.Event()

    async def hold() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(SILENT):
                address = (where.hostname or "", where.port or 0)
                plain = await asyncio.to_thread(socket.create_connection, address, CONNECT_S)
                stack.enter_context(contextlib.closing(plain))
            lines = [await stack.enter_async_context(voice.connected(till.config)) for _ in range(SILENT)]
            open_now.set()
            await asyncio.gather(*map(_listen, lines))

    holding = asyncio.create_task(hold())
    till.held.append(holding)
    waiting = asyncio.create_task(open_now.wait())
    await asyncio.wait({holding, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    tell("held", lines=SILENT * 2 if open_now.is_set() else 0)


async def _listen(line: Voice) -> None:
    with contextlib.suppress(*GONE):
        while True:
            await line.hear(60)


def _frames() -> list[str | bytes]:
    hello = f'{{"type":"Hello","v":{protocol.VERSION},"agent":"{MARK}'
    rest = f'"version":{protocol.VERSION},"epoch":0,"seq":0}}'
    return [
        MARK.encode() + bytes(range(256)) * 40,
        b"\xff\xfe\x00",
        "",
        "null",
        f'"{MARK}{"z" * 100_000}',
        "[" * 200_000,
        '{"a":' * 40_000,
        f'{{"type":"{MARK}\\u001b[2J\\r\\n{"t" * 1000}","v":1}}',
        f'{{"type":"Hello","v":1,"{MARK}\\u001b[31m\\r\\n{"k" * 1000}":1}}',
        f'{hello}\\u001b[2J{"a" * 1000}","signature":"AAAA",{rest}',
        f'{hello}","signature":"\\u001b{"s" * 1000}",{rest}',
        f'{{"type":"Enrol","v":1,"token":"{MARK}\\u001b[2J","public_key":"{"p" * 1000}",'
        '"role":"server","name":"\\u001b[2J","signature":""}',
        f'{{"type":"StepDone","v":1,"n":1,"step":"{MARK}\\u001b[2J"}}',
        '{"type":"Welcome","v":1,"acked":5,"now_ms":1}',
        '{"type":"Hello","v":1,"agent":"x","signature":"x","version":NaN,"epoch":Infinity,"seq":-Infinity}',
        MARK * 200_000,  # 1.6 MB, larger than any message
    ]
