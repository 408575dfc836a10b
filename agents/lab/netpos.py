"""The server machine's always-running process: the service manager, the Services Monitor, and the reference
NetPOS.Net. All its state is in files, so it may be killed at any moment.

    python -m agents.lab.netpos --dir LAB
"""

import asyncio
import datetime as dt
import functools
import os
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from agents.lab import httpsys, machine, process
from agents.lab.dialects import named as dialects
from agents.lab.faults import Faults
from agents.lab.layout import ACCESS_LOG, MONITOR, SERVICE, load
from agents.lab.listener import AccessLog, Listener

POLL_S = 0.015
READ_ANYWAY_S = 0.25
STOP_S = 0.1
START_S = 0.15
PORT_LIMIT_S = 5.0
MONITOR_S, EAGER_MONITOR_S = 5.0, 0.5
FAILED = 1066  # ERROR_SERVICE_SPECIFIC_ERROR


class CannotStart(Exception):
    """The service stops again while it is starting; the text goes to server/netpos.log."""


@dataclass(frozen=True)
class Settings:
    """The settings that NetPOS.Net reads when it starts."""

    scheme: str
    port: int
    code: str = ""  # the access code, "" for none


def read_settings(path: Path) -> Settings:
    """The settings in this file. Raises CannotStart."""
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - a file of the lab
        port = int(root.findtext("General/Port") or "")
        use_ssl = (root.findtext("General/UseSSL") or "").strip().lower()
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise CannotStart(f"{path.name} cannot be used: {error}") from error
    if use_ssl not in ("true", "false"):
        raise CannotStart(f"{path.name}: UseSSL is neither True nor False")
    code = (root.findtext("General/AccessCode") or "").strip()
    return Settings("https" if use_ssl == "true" else "http", port, code)


class NetPos:
    """The reference NetPOS.Net service."""

    def __init__(self, server: Path, faults: Faults) -> None:
        self._server, self._faults = server, faults
        self._log = AccessLog(server / ACCESS_LOG)
        self._listener: Listener | None = None
        self._dialect = dialects.of(load(server.parent).dialect)

    async def start(self) -> None:
        """Read the settings, register with http.sys, listen. Raises CannotStart."""
        settings = read_settings(self._server / "NetPOSSettings.xml")
        faults = self._faults.server()
        await asyncio.sleep(START_S + max(faults.start_delay_s, 0))
        if settings.scheme == "https" and self._faults.server().fail_to_start:
            raise CannotStart("the service ended unexpectedly (fault fail_to_start)")
        tables = machine.httpsys(str(self._server))
        if reason := httpsys.refusal(tables, settings.scheme, settings.port):
            raise CannotStart(reason)
        if not httpsys.listens_here(tables):
            return
        bindings = httpsys.Bindings(self._server, settings.port)
        answer = functools.partial(self._dialect.answer, code=settings.code)
        listener = Listener(settings.scheme, settings.port, bindings, self._log, answer)
        await _listen(listener)
        self._listener = listener

    def stop(self) -> None:
        """Close everything at once."""
        if self._listener:
            self._listener.stop()
            self._listener = None

    def note(self, text: str) -> None:
        """Write one line to server/netpos.log."""
        with (self._server / "netpos.log").open("a", encoding="utf-8") as file:
            file.write(f"{dt.datetime.now(dt.UTC).isoformat(timespec='milliseconds')} {text}\n")


async def _listen(listener: Listener) -> None:
    """Listen, with retries: a client's socket may have used the port for a moment while nobody listened there."""
    end = time.monotonic() + PORT_LIMIT_S
    while True:
        try:
            listener.start()
        except OSError as error:
            if time.monotonic() > end:
                raise CannotStart(f"port {listener.port} is taken: {error}") from error
            await asyncio.sleep(0.05)
        else:
            return


class Manager:
    """The service manager: carries out the orders that `sc` has written into pending.json."""

    def __init__(self, lab: Path) -> None:
        self._server = str(lab / "server")
        self._faults = Faults(lab)
        self._netpos = NetPos(lab / "server", self._faults)
        self._seen: tuple[int, int, int] | None = None
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        machine.write(self._server, machine.PROCESS, {"pid": os.getpid()})
        self._boot()
        watch = asyncio.create_task(self._monitor())
        try:
            while True:
                self._look()
                await asyncio.sleep(POLL_S)
        finally:
            watch.cancel()
            self._netpos.stop()

    def _boot(self) -> None:
        """Restart the services that ran when the process was killed, and carry out pending orders."""
        with machine.services_lock(self._server):
            under_way = machine.pending(self._server)
            for row in machine.services(self._server):
                if row["state"] == "running" and row["name"] not in under_way:
                    machine.set_pending(self._server, row["name"], machine.START_PENDING, 0, machine.WAIT_HINT_MS)

    def _look(self) -> None:
        try:
            stat = os.stat(os.path.join(self._server, machine.PENDING))
        except FileNotFoundError:
            return
        # A file system's clock is coarse, so two writes may look like one. Therefore read the file now and then anyway.
        seen = (stat.st_mtime_ns, stat.st_ino, int(time.monotonic() / READ_ANYWAY_S))
        if seen == self._seen:
            return
        self._seen = seen
        for name, way in machine.pending(self._server).items():
            if name not in self._busy:
                work = self._stop(name) if way["state"] == machine.STOP_PENDING else self._start(name)
                task = self._busy[name] = asyncio.create_task(work)
                task.add_done_callback(_surface)

    async def _stop(self, name: str) -> None:
        if name == SERVICE:
            self._netpos.stop()
        self._progress(name, machine.STOP_PENDING, 1)
        await asyncio.sleep(STOP_S)
        self._arrive(name, "stopped", 0)

    async def _start(self, name: str) -> None:
        progress = asyncio.create_task(self._keep_progressing(name))
        try:
            if name == SERVICE:
                await self._netpos.start()
            else:
                await asyncio.sleep(START_S)
        except CannotStart as error:
            self._netpos.note(str(error))
            state, code = "stopped", FAILED
        else:
            state, code = "running", 0
        finally:
            progress.cancel()
        self._arrive(name, state, code)

    async def _keep_progressing(self, name: str) -> None:
        checkpoint = 0
        while True:
            checkpoint += 1
            self._progress(name, machine.START_PENDING, checkpoint)
            await asyncio.sleep(0.1)

    def _progress(self, name: str, state: int, checkpoint: int) -> None:
        with machine.services_lock(self._server):
            machine.set_pending(self._server, name, state, checkpoint, machine.WAIT_HINT_MS)

    def _arrive(self, name: str, state: str, code: int) -> None:
        # From here on, a new order of sc gets a new task.
        self._busy.pop(name, None)
        self._seen = None
        with machine.services_lock(self._server):
            machine.arrive(self._server, name, state, code)

    async def _monitor(self) -> None:
        """The Services Monitor: restarts a NetPOS.Net that has stopped."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(EAGER_MONITOR_S)
            every = EAGER_MONITOR_S if self._faults.server().monitor_restarts else MONITOR_S
            if time.monotonic() - looked < every - 0.01:
                continue
            looked = time.monotonic()
            with machine.services_lock(self._server):
                if _needs_restart(self._server):
                    machine.set_pending(self._server, SERVICE, machine.START_PENDING, 0, machine.WAIT_HINT_MS)


def _needs_restart(server: str) -> bool:
    rows, under_way = machine.services(server), machine.pending(server)
    monitor, service = machine.find(rows, MONITOR), machine.find(rows, SERVICE)
    if monitor is None or service is None or SERVICE in under_way or MONITOR in under_way:
        return False
    watches = monitor["state"] == "running" and monitor["start_type"] != "disabled"
    return bool(watches and service["state"] == "stopped" and service["start_type"] != "disabled")


def _surface(task: asyncio.Task[None]) -> None:
    """An unexpected error ends the process. The supervisor restarts it with the same state."""
    if not task.cancelled() and (error := task.exception()):
        raise SystemExit(f"lab server: {error!r}") from error


def main() -> int:
    """The program's entry point; returns the exit code."""
    lab = process.arguments("The lab's reference NetPOS.Net server.", names=False).dir
    return process.serve(Manager(lab).run())


if __name__ == "__main__":
    sys.exit(main())
