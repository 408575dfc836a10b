"""A demo site, started by its command, driven over REST and read through its files."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

from agents.lab.dialects import named as dialects
from fleet.management.demo.client import ApiError, Client
from fleet.management.demo.processes import signal_group

T = TypeVar("T")

READY_S, STOP_S, POLL_S = 150.0, 20.0, 0.05
# What a request can raise while the web process is being killed, frozen or started again.
UNANSWERED = (OSError, ValueError, http.client.HTTPException)


class SiteFailed(Exception):
    """The demo did not work at all; for example, it did not start."""


class LabOptions(TypedDict, total=False):
    """How the lab of a demo is; what is not given is as the demo has it by default."""

    language: str  # of its Windows
    dialect: str  # what its server and terminals speak
    touch: str  # "live" or "caches": when Touch reads its settings
    by_hand: int  # how many of its terminals have no agent


class DemoSite:
    """One demo. folder: for the demo's own folder and its log; lab: how its lab is, by the names of the demo's options."""

    # Starts the demo: manage.py, or a script that takes the same arguments.
    program = Path(__file__).resolve().parents[3] / "manage.py"

    def __init__(self, folder: Path, terminals: int, *, seed: int = 1, **lab: Unpack[LabOptions]) -> None:
        self.folder, self.terminals, self.seed = folder / "demo", terminals, seed
        self.options = lab
        self.dialect = lab.get("dialect", dialects.DEFAULT)
        self.output = folder / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None

    # -- the demo itself

    def start(self) -> None:
        """Start a new demo and wait until it is ready. Raises SiteFailed."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "demo.json").unlink(missing_ok=True)
        argv, env = self.arguments(), self.environment()
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait((self.folder / "demo.json").exists, READY_S, "the demo to come up")
        self.facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        self.lab = Path(self.facts["lab_dir"])
        self.client = Client(self.facts["url"], self.facts["api_token"])
        self.names = sorted(p.parent.name for p in self.lab.glob("terminals/*/TouchSettings.xml"))

    def arguments(self) -> list[str]:
        """The command line of the demo."""
        argv = [sys.executable, str(self.program), "demo", "--idle", "--dir", str(self.folder)]
        argv += ["--port", "0", "--terminals", str(self.terminals), "--seed", str(self.seed)]
        for name, value in self.options.items():
            argv += [f"--{name.replace('_', '-')}", str(value)]
        return argv

    def environment(self) -> dict[str, str]:
        """The environment of the demo: this process's, without the variables of Tillway."""
        return {k: v for k, v in os.environ.items() if not k.startswith(("TILLWAY_", "DATABASE_URL"))}

    def stop(self) -> None:
        """End the demo and all processes that it would leave behind."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            for pids in self.pids().values():
                for pid in pids:
                    signal_group(pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def wait(self, done: Callable[[], T | None], limit_s: float, what: str) -> T:
        """Poll until done() is true, and return its value. what: for the message. Raises SiteFailed."""
        end = time.monotonic() + limit_s
        while not (value := done()):
            if self.process is None or self.process.poll() is not None:
                raise SiteFailed(f"the demo has ended; see {self.output}")
            if time.monotonic() > end:
                raise SiteFailed(f"waited {limit_s:.0f} s for {what}")
            time.sleep(POLL_S)
        return value

    # -- its processes

    def pids(self) -> dict[str, list[int]]:
        """The process ids by group, as the supervisor wrote them last."""
        try:
            found: dict[str, list[int]] = json.loads((self.folder / "processes.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # the demo has not written the file yet
        return {group: pids for group, pids in found.items() if group != "supervisor"}

    def thaw(self) -> None:
        """Let all frozen processes go on."""
        for pids in self.pids().values():
            for pid in pids:
                signal_group(pid, signal.SIGCONT)

    # -- its REST API

    def cutover(self, number: int) -> dict[str, Any] | None:
        """The cutover as the dashboard shows it now, or None if the dashboard does not answer."""
        try:
            found: dict[str, Any] = self.client.get(f"/cutovers/{number}")
            return found
        except (ApiError, *UNANSWERED):
            return None
