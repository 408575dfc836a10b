"""A server machine in memory: http.sys's tables, services, and a NetPOS.Net that obeys them. It stands in for
agents.hosts.program.run, so the agent's own code for netsh and sc runs unchanged."""

import asyncio
import json
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from certificates import Certificate

from agents.hosts.program import Output

MEMBER = "1001"


class Crash(BaseException):
    """The agent's process ends here."""


@dataclass
class Service:
    state: int = 4
    start_type: int = 2
    dependents: tuple[str, ...] = ()  # of a service: those that need it, directly


@dataclass
class FakeWindows:
    port: int
    settings: Path
    certificate: Certificate
    store: Path
    urlacl: list[list[str]] = field(default_factory=list)  # [url, sddl]
    sslcert: list[list[str]] = field(default_factory=list)  # [endpoint, hash, appid, store]
    services: dict[str, Service] = field(default_factory=lambda: {"NetPOSNet": Service(), "Monitor": Service()})
    calls: list[str] = field(default_factory=list)
    fail: dict[str, str] = field(default_factory=dict)  # start of a call -> what it prints
    fail_to_start: bool = False
    crash_at: int = 0  # the agent's process ends at this call: before the program has run, or late, after it
    crash_late: bool = False
    busy: frozenset[int] = frozenset()  # calls of sc at which the service cannot be controlled, by their number
    listener: asyncio.Server | None = None
    iplisten: list[str] = field(default_factory=list)
    pid: int = field(default_factory=os.getpid)
    restless: tuple[str, ...] = ()  # services that somebody starts as soon as they were seen stopped

    async def run(self, program: str, *arguments: str) -> Output:
        call = " ".join((program, *arguments))
        self.calls.append(call)
        if len(self.calls) == self.crash_at:
            if self.crash_late:
                await self._do(program, arguments)
            raise Crash
        if len(self.calls) in self.busy and program == "sc":
            return Output(
                1061, "[SC] ControlService FAILED 1061:\n\nThe service cannot accept control messages at this time.\n"
            )
        return await self._do(program, arguments)

    async def _do(self, program: str, arguments: tuple[str, ...]) -> Output:
        call = " ".join((program, *arguments))
        for start, text in self.fail.items():
            if call.startswith(start):
                return Output(1, text)
        if program == "netsh":
            return self._netsh(*arguments[1:3], dict(item.split("=", 1) for item in arguments[3:]))
        return await self._sc(*arguments)

    def snapshot(self) -> object:
        """Everything that a rollback must bring back."""
        services = {name: (item.state, item.start_type) for name, item in self.services.items()}
        return sorted(self.urlacl), sorted(self.sslcert), services, self.settings.read_bytes()

    def changes(self) -> list[str]:
        reading = ("netsh http show", "sc query", "sc qc", "sc enumdepend")
        return [call for call in self.calls if not call.startswith(reading)]

    # --- netsh

    def _netsh(self, verb: str, what: str, values: dict[str, str]) -> Output:
        table = self.urlacl if what == "urlacl" else self.sslcert
        key = values.get("url") or values.get("ipport")
        if verb == "show":
            return Output(0, self._show(what, key))
        found = [row for row in table if row[0] == key]
        if verb == "delete":
            if not found:
                return Output(1, "\nDeletion failed, Error: 2\nThe system cannot find the file specified.\n")
            table.remove(found[0])
            return Output(0, "\nsuccessfully deleted\n")
        if found:
            return Output(1, "\nadd failed, Error: 183\nCannot create a file when that file already exists.\n")
        if what == "urlacl":
            table.append([values["url"], values["sddl"]])
        else:
            if not (self.store / f"{values['certhash']}.key").exists():
                return Output(1, "\nSSL Certificate add failed, Error: 1312\nA specified logon session does not exist.\n")
            table.append([values["ipport"], values["certhash"].lower(), values["appid"], values.get("certstorename", "(null)")])
        return Output(0, "\nsuccessfully added\n")

    def _show(self, what: str, key: str | None) -> str:
        if what == "iplisten":
            return "\nIP addresses present in the IP listen list:\n-------------------------------------------\n\n" + "".join(
                f"    {address}\n" for address in self.iplisten
            )
        if what == "urlacl":
            rows = [f"    Reserved URL            : {url}\n        User: \\Everyone\n            Listen: Yes\n"
                    f"            Delegate: No\n            SDDL: {sddl}\n"
                    for url, sddl in self.urlacl if key in (None, url)]  # fmt: skip
            return "\nURL Reservations:\n-----------------\n\n" + "\n".join(rows)
        rows = [f"    IP:port                      : {row[0]}\n    Certificate Hash             : {row[1]}\n"
                f"    Application ID               : {row[2]}\n    Certificate Store Name       : {row[3]}\n"
                for row in self.sslcert]  # fmt: skip
        return "\nSSL Certificate bindings:\n-------------------------\n\n" + "\n".join(rows)

    # --- sc

    async def _sc(self, verb: str, name: str, *rest: str) -> Output:
        service = self.services.get(name)
        if service is None:
            return Output(36, "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\n\nThe service does not exist.\n")
        if verb == "query":
            text = _status(name, service)
            if name in self.restless:
                service.state = 4
            return Output(0, text)
        if verb == "qc":
            word = {2: "AUTO_START", 3: "DEMAND_START", 4: "DISABLED"}[service.start_type]
            return Output(0, f"[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: {name}\n"
                f"        TYPE               : 10  WIN32_OWN_PROCESS\n"
                f"        START_TYPE         : {service.start_type}   {word}\n"
                "        ERROR_CONTROL      : 1   NORMAL\n")  # fmt: skip
        if verb == "queryex":
            return Output(0, f"\nN: {name}\n  C : 0x0\n  H : 0x0\n        PID     : {self.pid}\n        FLAGS   : \n")
        if verb == "qfailure":
            return Output(0, f"[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: {name}\n        RESET_PERIOD : 0\n")
        if verb == "enumdepend":
            needing = self.needing(name)
            shown = "".join(_status(other, self.services[other]) for other in needing)
            return Output(0, f"Enum: entriesRead  = {len(needing)}\n{shown}")
        if verb == "config":
            service.start_type = {"auto": 2, "demand": 3, "disabled": 4}[rest[1]]
            return Output(0, "[SC] ChangeServiceConfig SUCCESS\n")
        if verb == "stop":
            if service.state == 1:
                return Output(38, "[SC] ControlService FAILED 1062:\n\nThe service has not been started.\n")
            if any(self.services[other].state != 1 for other in service.dependents):
                return Output(27, "[SC] ControlService FAILED 1051:\n\nOther running services are dependent on it.\n")
            await self._stop(name, service)
            return Output(0, "\n        STATE              : 3  STOP_PENDING\n")
        if service.start_type == 4:
            return Output(34, "[SC] StartService FAILED 1058:\n\nThe service cannot be started.\n")
        await self._start(name, service)
        return Output(0, "\n        STATE              : 2  START_PENDING\n")

    def needing(self, name: str) -> list[str]:
        """Windows' order: whoever needs another one stands before it."""
        found: list[str] = []
        for other in self.services[name].dependents:
            found += [one for one in (*self.needing(other), other) if one not in found]
        return found

    async def _stop(self, name: str, service: Service) -> None:
        service.state = 1
        if name == "NetPOSNet" and self.listener:
            self.listener.close()
            self.listener = None

    async def _start(self, name: str, service: Service) -> None:
        for other in self.services.values():
            if name in other.dependents and other.state == 1:
                return  # 1068: what it needs does not run (Windows would start that first, in whatever state it is)
        if name == "NetPOSNet":
            found = ElementTree.fromstring(self.settings.read_bytes()).findtext("General/UseSSL") or ""
            tls = found.strip().lower() == "true"
            if tls and self.fail_to_start:
                return
            await self.listen(tls)
        service.state = 4

    # --- NetPOS.Net

    async def listen(self, tls: bool) -> None:
        scheme = "https" if tls else "http"
        if any(url.partition("://")[0].lower() != scheme for url, _ in self.urlacl if f":{self.port}/" in url):
            return  # http.sys: one port, one scheme
        context = None
        if tls:
            if not any(row[0].endswith(f":{self.port}") for row in self.sslcert):
                return
            context = self.certificate.server_context()
        self.listener = await asyncio.start_server(answer, "127.0.0.1", self.port, ssl=context)


def _status(name: str, service: Service) -> str:
    return (
        f"\nSERVICE_NAME: {name}\n        TYPE               : 10  WIN32_OWN_PROCESS\n"
        f"        STATE              : {service.state}  {'STOPPED' if service.state == 1 else 'RUNNING'}\n"
        "        WIN32_EXIT_CODE    : 0  (0x0)\n        SERVICE_EXIT_CODE  : 0  (0x0)\n"
        "        CHECKPOINT         : 0x0\n        WAIT_HINT          : 0x0\n"
    )


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The reference answers; everything else is 404. A plain request to a TLS port never gets here."""
    try:
        while line := await reader.readline():
            if not line.startswith(b"GET "):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            while (await reader.readline()).strip():
                pass
            path = line.split()[1].decode()
            good = {"/netpos/interfaces": ["Members"], f"/netpos/members/{MEMBER}": {"number": MEMBER}}
            body = json.dumps(good.get(path, {"error": "unknown"})).encode()
            status = b"200 OK" if path in good else b"404 Not Found"
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
            )
            await writer.drain()
    except (OSError, ssl.SSLError, IndexError):
        return
    finally:
        writer.close()
