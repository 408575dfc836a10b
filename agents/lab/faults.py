"""Fault injection: reads LAB/faults.json continuously, and has a Network and Files that behave accordingly. Agents and
reference terminals get these instead of the real ones, so the agent itself has no code for network faults."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import errno
import json
import ssl
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from agents.files import Files
from agents.net import Network

POLL_S = 0.1
_TLS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}

_Kind = TypeVar("_Kind", "TerminalFaults", "ServerFaults")


@dataclass(frozen=True, slots=True)
class TerminalFaults:
    """What is wrong with one terminal."""

    offline: bool = False
    latency_ms: float = 0
    untrusted_root: bool = False
    clock_skew_s: float = 0
    read_only_settings: bool = False
    tls_max: str = ""  # "1.0" to "1.3"
    disk_free_mb: float = -1  # free space; below 0: the real one
    in_sale: bool = False  # Touch does not close


@dataclass(frozen=True, slots=True)
class ServerFaults:
    """What is wrong with the server."""

    fail_to_start: bool = False
    start_delay_s: float = 0
    monitor_restarts: bool = False
    clock_skew_s: float = 0


class Faults:
    """The present faults. While the file is half written, the last complete version counts."""

    def __init__(self, lab: Path) -> None:
        self.lab = lab
        self._path = lab / "faults.json"
        self._seen: tuple[int, int, int] | None = None
        self._data: dict[str, Any] = {}
        self._change = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def changed(self) -> None:
        """Wait for the next change. One task watches the file for all that wait."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look(self._data))
        await self._change.wait()

    async def _look(self, before: dict[str, Any]) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if (now := self._now()) is not before:
                before = now
                self._change.set()
                self._change = asyncio.Event()

    def terminal(self, name: str) -> TerminalFaults:
        """The faults of this terminal."""
        rows = self._now().get("terminals")
        return _known(TerminalFaults, rows.get(name) if isinstance(rows, dict) else None)

    def server(self) -> ServerFaults:
        """The faults of the server."""
        return _known(ServerFaults, self._now().get("server"))

    def _now(self) -> dict[str, Any]:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                data = json.loads(self._path.read_bytes())
                if isinstance(data, dict):
                    self._data, self._seen = data, seen
        except FileNotFoundError:
            if self._seen is not None:
                self._data, self._seen = {}, None
        except (OSError, ValueError):
            return self._data  # the file is being written
        return self._data


class LabNetwork(Network):
    """The network as a device with faults sees it. name: the terminal; None for the server, whose clock may be wrong."""

    def __init__(self, faults: Faults, name: str | None) -> None:
        self._all = faults
        self._name = name

    @property
    def faults(self) -> TerminalFaults:
        """This device's faults at this moment."""
        if self._name is not None:
            return self._all.terminal(self._name)
        return TerminalFaults(clock_skew_s=self._all.server().clock_skew_s)

    async def before_request(self) -> None:
        begun = time.monotonic()
        while True:
            now = self.faults
            if now.offline:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            left = begun + now.latency_ms / 1000 - time.monotonic()
            if left <= 0:
                return
            # A fault that begins while a request is delayed applies to it, too.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._all.changed()

    def roots(self, path: Path | None) -> Path | None:
        return self._all.lab / "foreign-root.pem" if self.faults.untrusted_root else path

    def wall_ms(self) -> int:
        return super().wall_ms() + round(self.faults.clock_skew_s * 1000)

    def limit(self, context: ssl.SSLContext) -> None:
        highest = _TLS.get(self.faults.tls_max)
        if highest is None:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are needed here
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = highest

    def check_validity(self, not_before: dt.datetime, not_after: dt.datetime) -> None:
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.faults.clock_skew_s)
        if now < not_before:
            raise _invalid(9, "certificate is not yet valid")
        if now > not_after:
            raise _invalid(10, "certificate has expired")

    async def until_cut(self) -> None:
        while not self.faults.offline:
            await self._all.changed()


class LabFiles(Files):
    """The settings file of a terminal with faults."""

    def __init__(self, network: LabNetwork) -> None:
        self._network = network

    def write(self, path: Path, data: bytes) -> None:
        self._refuse(path)
        super().write(path, data)

    def free_bytes(self, folder: Path) -> int:
        told = self._network.faults.disk_free_mb
        return super().free_bytes(folder) if told < 0 else int(told * 1024 * 1024)

    def try_folder(self, path: Path) -> None:
        self._refuse(path)
        super().try_folder(path)

    def _refuse(self, path: Path) -> None:
        if self._network.faults.read_only_settings:
            raise PermissionError(errno.EACCES, "is write-protected", str(path))


def _known(kind: type[_Kind], row: Any) -> _Kind:
    """The faults in this row. Unknown names and values of another type are ignored."""
    said: dict[str, Any] = {}
    for spec in dataclasses.fields(kind):
        value = row.get(spec.name) if isinstance(row, dict) else None
        if _fits(value, spec.default):
            said[spec.name] = value
    return kind(**said)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    return isinstance(value, int | float)


def _invalid(code: int, text: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {text}")
    error.verify_code, error.verify_message = code, text
    return error
