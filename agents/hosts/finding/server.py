"""What is found on the server: NetPOS.Net's service, the Services Monitor, its settings file, the port, the reservation."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.config import Config
from agents.hosts import netsh, sc
from agents.hosts.finding import documents
from agents.hosts.finding.documents import Document, Value, port_of
from agents.hosts.finding.proposal import FOLDERS, MOST_OF_A_KIND, WORDS, Proposal, proposed
from agents.hosts.inventory import sockets
from agents.hosts.sc_text import Service

MOST_SERVICES = 600
AT_ONCE = 4  # runs of sc
LOW_PORTS = 1024  # below it a number in a file is often something else, unless its name says that it is a port


@dataclass(frozen=True, slots=True)
class Port:
    """A number in a settings file at which this computer listens."""

    document: Document
    value: Value
    number: int

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """The best first: a file of NetPOS.Net, and a value that is called a port."""
        return (
            not any(word in self.document.path.name.lower() for word in WORDS),
            "port" not in self.value.name.lower(),
            str(self.document.path),
        )


async def find(config: Config) -> list[Proposal]:
    """The proposals, best first. Raises StepError or OSError when Windows' programs or tables cannot be read."""
    ours = [(service, reason) for service in await _services() if (reason := _reason(service))]
    monitors = [(service, reason) for service, reason in ours if "monitor" in _labels(service)]
    others = [(service, reason) for service, reason in ours if "monitor" not in _labels(service)]
    named = [(service, reason) for service, reason in others if "netpos" in _labels(service)]
    found = [proposed(config, "service", service.name, reason) for service, reason in (named or others)[:MOST_OF_A_KIND]]
    found += [proposed(config, "monitor", service.name, reason) for service, reason in monitors[:MOST_OF_A_KIND]]
    folders = [folder for service, _ in ours for folder in folders_of(service.program, os.environ)]
    read = await asyncio.to_thread(documents.below, folders)
    ports = _ports(read, await sockets.listening())
    return found + _files(config, ports) + await _reservations(config, ports)


async def _services() -> list[Service]:
    """Every service with its program. One that is deleted meanwhile is left out."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Service | None:
        async with room:
            return await sc.described(name)

    names = (await sc.every())[:MOST_SERVICES]
    return [service for service in await asyncio.gather(*map(one, names)) if service]


def _labels(service: Service) -> str:
    return f"{service.name}\n{service.display}".lower()


def _reason(service: Service) -> str | None:
    """Why this service belongs to SwiftPOS, or None."""
    if any(word in service.display.lower() for word in WORDS):
        return f"Windows shows this service as “{service.display}”."
    if any(word in service.name.lower() for word in WORDS):
        return "The name of this service says so."
    folders = service.program.replace("\\", "/").split("/")[:-1]
    if any(word in folder.lower() for folder in folders for word in FOLDERS):
        return f"The program of this service is {service.program}."
    return None


def folders_of(program: str, environ: Mapping[str, str]) -> list[Path]:
    """The folder of this program, and where its data is: below ProgramData under the name that its maker has in Program
    Files. None for a path that is not absolute."""
    path = Path(program)
    if not path.is_absolute():
        return []
    found, data = [path.parent], environ.get("ProgramData")
    for variable in ("ProgramFiles(x86)", "ProgramW6432", "ProgramFiles"):
        base = environ.get(variable)
        if base and data and path.is_relative_to(base):
            found.append(Path(data) / path.relative_to(base).parts[0])
            break
    return found


def _ports(read: Iterable[Document], listening: frozenset[int]) -> list[Port]:
    found = []
    for document in read:
        for value in document.values:
            number = port_of(value.text)
            if number in listening and number is not None and (number >= LOW_PORTS or "port" in value.name.lower()):
                found.append(Port(document, value, number))
    return sorted(found, key=lambda port: port.rank)


def _files(config: Config, ports: Iterable[Port]) -> list[Proposal]:
    """The settings files and the ports in them, each once."""
    files: dict[str, Proposal] = {}
    numbers: dict[int, Proposal] = {}
    for port in ports:
        path, where = str(port.document.path), port.value.selector
        reason = f"It says {port.number} at {where}, and this computer listens at port {port.number}."
        files.setdefault(path, proposed(config, "settings", path, reason))
        reason = f"{port.document.path.name} says so at {where}, and this computer listens there."
        numbers.setdefault(port.number, proposed(config, "port", str(port.number), reason))
    return [*list(files.values())[:MOST_OF_A_KIND], *list(numbers.values())[:MOST_OF_A_KIND]]


async def _reservations(config: Config, ports: Iterable[Port]) -> list[Proposal]:
    numbers = list(dict.fromkeys(port.number for port in ports))[:MOST_OF_A_KIND]
    rows = [row for row in await netsh.reservations() if row.port in numbers]
    reason = "Windows has reserved this URL for the service, on port {}."
    return [proposed(config, "reservation", row.url, reason.format(row.port)) for row in rows[:MOST_OF_A_KIND]]
