"""The least time that switching one terminal can take: one settings file written safely, then an interface list and a
member lookup over one new, verified TLS connection. No agent, dashboard or database takes part."""

import asyncio
import os
import time
from pathlib import Path

from agents.http import Connection
from agents.lab.dialects import named
from agents.net import Network, tls_context
from agents.storage import atomic
from fleet.management.demo.site import DemoSite


def ms_per_terminal(site: DemoSite, scratch: Path) -> float:
    """Milliseconds per terminal, with all terminals at the same time. The site's server must speak HTTPS now. scratch: a
    folder for temporary files."""
    scratch.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    asyncio.run(_all(site, scratch))
    return (time.monotonic() - begun) * 1000 / len(site.names)


async def _all(site: DemoSite, scratch: Path) -> None:
    await asyncio.gather(*(_one(site, name, scratch) for name in site.names))


async def _one(site: DemoSite, name: str, scratch: Path) -> None:
    before = (site.lab / "terminals" / name / "TouchSettings.xml").read_bytes()
    atomic.replace(scratch / f"{name}.xml", before)
    os.unlink(scratch / f"{name}.xml")
    roots = tls_context(Path(site.facts["ca_file"]))
    dialect = named.of(site.dialect)
    host, port = site.facts["netpos_host"], int(site.facts["netpos_port"])
    async with Connection(host, port, tls=roots, network=Network(), timeout_s=30) as connection:
        for asked in (dialect.interfaces(name, ""), dialect.lookup(int(site.facts["member"]), name, "")):
            await connection.ask(asked.method, asked.path, asked.headers, asked.body)
