"""A server's agent that is killed in the middle of a rehearsal: `python shadow_victim.py CONFIG PORT THUMBPRINT MEMBER
WHEN`. It opens the shadow listener through http.sys with whatever netsh is on PATH, says `here` at the point that WHEN
names (written: before netsh is asked to bind; bound: before anybody listens; open), and waits there for its end."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

from fake_httpsys import FakeHttpSys
from rehearsing import order

from agents import config
from agents.agent import make_host
from agents.files import Files
from agents.hosts import netsh
from agents.net import Network
from agents.rehearsal.shadow_httpsys import HttpSysShadow


async def stand_still() -> None:
    sys.stdout.write("here\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def standing_still(when: str, real: Any) -> Any:
    async def add_binding(row: Any) -> None:
        if when == "written":
            await stand_still()
        await real(row)
        if when == "bound":
            await stand_still()

    return add_binding


async def main(path: Path, port: int, thumbprint: str, member: str, when: str) -> None:
    host = make_host(config.load(path), Network(), Files())
    store = host.config.store
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store / f"{thumbprint}.pem", store / f"{thumbprint}.key")
    tables = path.parent / "httpsys.json"

    def bound(at: int) -> ssl.SSLContext | None:
        rows = json.loads(tables.read_bytes())["sslcert"]
        return context if any(row["endpoint"] == netsh.endpoint(at) for row in rows) else None

    netsh.add_binding = standing_still(when, netsh.add_binding)
    opening = order("open", port, thumbprint=thumbprint, member=member)
    await HttpSysShadow(host, opening, FakeHttpSys(bound)).open()
    await stand_still()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
