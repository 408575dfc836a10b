"""What is found on a terminal: Touch's settings file, and the server's host and port in it."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.config import Config
from agents.hosts.finding import documents
from agents.hosts.finding.documents import Document, Value, port_of
from agents.hosts.finding.proposal import FOLDERS, MOST_OF_A_KIND, WORDS, Proposal, proposed

_BASES = ("ProgramFiles(x86)", "ProgramW6432", "ProgramFiles", "ProgramData", "SystemDrive")
_HOST_WORDS = ("host", "server", "address")


@dataclass(frozen=True, slots=True)
class Pair:
    """A host and a port side by side in one file."""

    document: Document
    host: Value
    port: Value

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """The best first: values that are called after NetPOS.Net, in a file of Touch."""
        return (
            not any(word in f"{self.host.selector}{self.port.selector}".lower() for word in WORDS),
            "touch" not in self.document.path.name.lower(),
            str(self.document.path),
        )


async def find(config: Config) -> list[Proposal]:
    """The proposals, best first. Never raises."""
    folders = [config.settings.parent] if config.settings else []
    read = await asyncio.to_thread(lambda: documents.below([*folders, *program_folders(os.environ)]))
    pairs = sorted((pair for document in read for pair in _pairs(document)), key=lambda pair: pair.rank)
    return [*_files(config, pairs), *(_values(config, pairs[0]) if pairs else ())]


def program_folders(environ: Mapping[str, str]) -> list[Path]:
    """The folders of SwiftPOS where Windows keeps programs and their data, and at the top of its drive."""
    found = []
    for variable in _BASES:
        base = environ.get(variable)
        if not base:
            continue
        try:
            names = sorted(os.listdir(base + os.sep))
        except OSError:
            continue
        found += [Path(base + os.sep) / name for name in names if any(word in name.lower() for word in FOLDERS)]
    return found


def _pairs(document: Document) -> list[Pair]:
    """Hosts with a port in the same element."""
    hosts = [value for value in document.values if _is_host(value)]
    ports = [value for value in document.values if "port" in value.name.lower() and port_of(value.text)]
    return [Pair(document, host, port) for host in hosts for port in ports if host.parent == port.parent]


def _is_host(value: Value) -> bool:
    name = value.name.lower()
    plain = len(value.text) <= 253 and not any(sign in value.text for sign in " /\\<>\"'")
    return plain and port_of(value.text) is None and any(word in name for word in _HOST_WORDS)


def _files(config: Config, pairs: Iterable[Pair]) -> list[Proposal]:
    files: dict[str, Proposal] = {}
    for pair in pairs:
        path = str(pair.document.path)
        reason = f"It has a host at {pair.host.selector} and a port beside it, at {pair.port.selector}."
        files.setdefault(path, proposed(config, "settings", path, reason))
    return list(files.values())[:MOST_OF_A_KIND]


def _values(config: Config, pair: Pair) -> list[Proposal]:
    """Host and port of the best file."""
    file = pair.document.path.name
    return [
        proposed(config, "host", pair.host.text, f"{file} says so at {pair.host.selector}."),
        proposed(config, "port", pair.port.text, f"{file} says so at {pair.port.selector}."),
    ]
