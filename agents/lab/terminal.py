"""One reference terminal. It looks up a member about twice a second with its own settings, independently of its agent, as a
busy terminal does."""

import asyncio
import json
import os
import random
import ssl
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import h11

from agents.http import Connection
from agents.lab.dialects.dialect import Dialect
from agents.lab.faults import Faults, LabNetwork, TerminalFaults
from agents.lab.layout import MEMBERS
from agents.lab.touch import reference as touch
from agents.net import tls_context

EVERY_S = (0.42, 0.54)
MAX_OVERLAP = 16
_FAILURES = (OSError, TimeoutError, ssl.SSLError, h11.ProtocolError, ValueError, ElementTree.ParseError)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of TouchSettings.xml that concern NetPOS.Net."""

    host: str
    port: int
    secured: bool
    timeout_s: float
    code: str = ""  # the access code, "" for none

    @property
    def scheme(self) -> str:
        return "https" if self.secured else "http"


def parse_settings(data: bytes) -> Settings:
    """Raises ValueError or ParseError."""
    customers = ElementTree.fromstring(data).find("Customers")  # noqa: S314 - the lab's own file
    if customers is None:
        raise ValueError("the settings have no Customers")
    text = {child.tag: (child.text or "").strip() for child in customers}
    secured = text.get("Secured", "").lower()
    if secured not in ("true", "false") or not text.get("NetPosHost"):
        raise ValueError("the settings are incomplete")
    return Settings(
        text["NetPosHost"],
        int(text.get("NetPosPort", "")),
        secured == "true",
        float(text.get("TimeoutSeconds") or 6),
        text.get("AccessCode", ""),
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything on which a kept connection depends. If any of it changes, the next lookup opens a new connection."""

    settings: Settings
    faults: TerminalFaults
    roots_mtime_ns: int


class Terminal:
    """Settings, root store and log of one terminal, and its lookups."""

    def __init__(self, folder: Path, faults: Faults, dialect: Dialect) -> None:
        self.name = folder.name
        self._dialect = dialect
        self._folder = folder
        self._network = LabNetwork(faults, self.name)
        self.touch = touch.of(folder, faults)
        self._random = random.Random(self.name)
        self._idle: tuple[Situation, Connection] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._log = os.open(folder / "lookups.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def run(self) -> None:
        """Run until cancelled. A lookup that hangs has its full timeout, while the next ones go on."""
        await asyncio.sleep(self._random.uniform(0, EVERY_S[1]))
        due = time.monotonic()
        while True:
            if len(self._under_way) < MAX_OVERLAP:
                task = asyncio.create_task(self._look_up())
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            # Lookups that a busy machine has delayed are not made up for.
            due = max(due + self._random.uniform(*EVERY_S), time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _look_up(self) -> None:
        begun = time.monotonic()
        scheme, error = None, None
        try:
            situation = self._situation()
            scheme = situation.settings.scheme
            await self._ask(situation)
        except _FAILURES as failure:
            error = str(failure) or type(failure).__name__
        self._write(scheme, error, (time.monotonic() - begun) * 1000)

    def _situation(self) -> Situation:
        settings = parse_settings(self.touch.settings())
        roots = (self._folder / "roots.pem").stat().st_mtime_ns if settings.secured else 0
        return Situation(settings, self._network.faults, roots)

    async def _ask(self, situation: Situation) -> None:
        connection = await self._take(situation)
        member = self._random.choice(MEMBERS)
        asked = self._dialect.lookup(member, self.name, situation.settings.code)
        try:
            response = await connection.ask(asked.method, asked.path, asked.headers, asked.body)
            if not self._dialect.is_good(response.status, response.body, member):
                raise ValueError(f"the server answered {response.status}")
        except BaseException:
            await connection.close()
            raise
        await self._give(situation, connection)

    async def _take(self, situation: Situation) -> Connection:
        """The kept connection if it still fits, else a new one."""
        kept, self._idle = self._idle, None
        if kept:
            if kept[0] == situation:
                return kept[1]
            await kept[1].close()
        settings = situation.settings
        tls = tls_context(self._network.roots(self._folder / "roots.pem")) if settings.secured else None
        if tls is not None:
            self._network.limit(tls)
        connection = Connection(settings.host, settings.port, tls=tls, network=self._network, timeout_s=settings.timeout_s)
        try:
            return await connection.open()
        except BaseException:
            await connection.close()
            raise

    async def _give(self, situation: Situation, connection: Connection) -> None:
        if self._idle is None:
            self._idle = (situation, connection)
        else:
            await connection.close()

    def _write(self, scheme: str | None, error: str | None, ms: float) -> None:
        row = {"t": round(time.time(), 6), "scheme": scheme, "ok": error is None, "ms": round(ms, 2), "error": error}
        os.write(self._log, json.dumps(row, separators=(",", ":")).encode() + b"\n")
