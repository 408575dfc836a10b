"""Run by Python for Windows: what the agent sees of the machine's stores. Arguments: the server agent's configuration,
and ports of this machine to look up through TLS. Prints JSON."""

import asyncio
import hashlib
import json
import ssl
import sys
from pathlib import Path

from agents import config
from agents.clock import Clock
from agents.errors import StepError
from agents.files import Files
from agents.hosts import lookup
from agents.hosts.certstore import roots
from agents.hosts.host import ServerHost
from agents.hosts.inventory.inventory import Inventory
from agents.hosts.lookup import Target
from agents.http import Connection
from agents.net import Network


async def main() -> None:
    host = ServerHost(config.load(Path(sys.argv[1])), Network(), Files())
    rows = (await Inventory(host, Clock()).facts())["certificates"]
    told = {
        "rows": {row["thumbprint"]: row for row in rows},
        "checks": {row["thumbprint"]: check(host, row["thumbprint"]) for row in rows},
        "unknown": check(host, "AB" * 20),
        "roots": thumbprints(roots.read(None)),
        "users": thumbprints([der for der, _, _ in ssl.enum_certificates("ROOT")]),
        "lookups": [await look_up(int(port)) for port in sys.argv[2:]],
    }
    sys.stdout.write(json.dumps(told))


def check(host: ServerHost, thumbprint: str) -> list[str]:
    """The finding's code and message."""
    try:
        host.check_certificate(thumbprint)
    except StepError as error:
        return [error.finding.code, error.finding.message]
    return ["", ""]


def thumbprints(ders: list[bytes]) -> list[str]:
    return [hashlib.sha1(der).hexdigest().upper() for der in ders]


async def look_up(port: int) -> str:
    """The code of a lookup as a till without a file of roots does it; "" for an answer."""
    try:
        target = Target("localhost", port, True, 20.0)
        with lookup.explaining(target):
            tls = lookup.context(target, Network())
            async with Connection(target.host, port, tls=tls, network=Network(), timeout_s=target.timeout_s) as connection:
                await connection.get("/")
    except StepError as error:
        return error.finding.code
    return ""


asyncio.run(main())
