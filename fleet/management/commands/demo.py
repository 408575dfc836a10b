"""`manage.py demo`: starts a whole lab site with its dashboard on this machine, in one new folder."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.lab.build import build
from agents.lab.dialects import named as dialects
from agents.lab.layout import LabLayout
from agents.lab.texts import languages
from fleet.management.demo import parts as demo_parts
from fleet.management.demo.client import ApiError, Client
from fleet.management.demo.supervisor import Supervisor
from fleet.management.demo.watch import run_cutover

READY_LIMIT_S = 120
MARKER = ".tillway-demo"


class Command(BaseCommand):
    """See the module."""

    help = "Start a lab site (one server, N terminals, their agents) and a dashboard that knows them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Options that programs rely on, too: tests and the bench start the demo with them."""
        parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
        parser.add_argument("--terminals", type=_terminals, default=24, help="how many terminals the site has")
        parser.add_argument("--dir", default=str(settings.BASE_DIR / "var" / "demo"), help="everything is kept here; made anew")
        parser.add_argument("--port", type=int, default=8000, help="of the dashboard; 0 for any free one")
        parser.add_argument("--exit", action="store_true", help="run one cutover to HTTPS, then end; exit 0 if all verified")
        parser.add_argument("--idle", action="store_true", help="start no cutover (this is also so without --exit)")
        parser.add_argument("--seed", type=int, default=1, help="of the lab's names and settings")
        parser.add_argument(
            "--language",
            type=_language,
            default=languages.DEFAULT,
            help="of the lab's Windows, such as german-oem; see docs/lab.md",
        )
        parser.add_argument(
            "--dialect", choices=dialects.NAMES, default=dialects.DEFAULT, help="what the lab's server and terminals speak"
        )
        parser.add_argument(
            "--touch",
            choices=("live", "caches"),
            default="live",
            help="caches: Touch reads its settings when it starts and writes them back when it ends; agents restart it",
        )
        parser.add_argument(
            "--by-hand", type=_count, default=0, help="how many of the terminals have no agent: a person sets them"
        )
        parser.add_argument("--database", default=None, help="DATABASE_URL to use in place of the embedded one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start everything, print where it is, and run until a signal comes."""
        if options["by_hand"] > options["terminals"]:
            raise CommandError("--by-hand: must not be more than --terminals")
        demo = Demo(options, self.stdout.write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: demo.end())
        try:
            code = demo.run(exit_after=options["exit"])
        finally:
            demo.close()
        sys.exit(code)


class Demo:
    """One run of the demo."""

    def __init__(self, options: dict[str, Any], say: Any) -> None:
        self.options, self.say = options, say
        self.folder = _fresh(Path(options["dir"]).resolve())
        self.supervisor = Supervisor(self.folder, demo_parts.GROUPS)
        self.short: str | None = None
        self.setup: subprocess.Popen[bytes] | None = None

    def run(self, *, exit_after: bool) -> int:
        """Run the demo. exit_after: end after one cutover to HTTPS. Returns the exit code."""
        begun = time.monotonic()
        web_port = self.options["port"] or demo_parts.free_port()
        _refuse_taken(web_port)
        make = demo_parts.Parts(
            self.folder,
            web_port=web_port,
            gateway_port=demo_parts.free_port(),
            broker_socket=self._socket(),
            database=self.options["database"],
        )
        self.supervisor.start(make.broker())
        self.setup = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "setup_demo"],
            env=make.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        layout = build(
            self.folder / "lab",
            terminals=self.options["terminals"],
            seed=self.options["seed"],
            port=demo_parts.free_port(),
            gateway=make.env["TILLWAY_GATEWAY_URL"],
            gateway_ca=self.folder / "keys" / "gateway-ca.pem",
            language=self.options["language"],
            dialect=self.options["dialect"],
            caches=self.options["touch"] == "caches",
        )
        for part in make.lab(layout):
            self.supervisor.start(part)
        by_hand = frozenset(layout.names[len(layout.names) - self.options["by_hand"] :])
        made = _finish_setup(self.setup, layout, by_hand)
        for part in (make.gateway(), make.web(), make.worker(), make.beat(), *make.agents(layout, by_hand)):
            self.supervisor.start(part)
        url = f"http://127.0.0.1:{web_port}"
        client = Client(url, made["api_token"])
        if by_hand:
            self.supervisor.start(make.person(layout, url, made["api_token"], self.options["seed"]))
        if not self.supervisor.run_until(lambda: _ready(client, layout, by_hand), READY_LIMIT_S):
            if self.supervisor.stopping:
                return 0
            raise CommandError(f"not everything came up in {READY_LIMIT_S} s; look at {self.folder / 'logs'}")
        self._write_demo_json(url, made, layout)
        self._tell(url, made, layout, time.monotonic() - begun)
        if exit_after:
            return run_cutover(client, made["site"], self.supervisor.look, self.say)
        self.supervisor.run_until(lambda: False)
        return 0

    def end(self) -> None:
        """End the demo, because a signal came."""
        if self.supervisor.stopping:
            return
        self.supervisor.stopping = True
        if self.options["exit"]:
            raise SystemExit(130)

    def close(self) -> None:
        """End every child."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if self.setup and self.setup.poll() is None:
            self.setup.kill()
        self.supervisor.stop()
        if self.short:
            shutil.rmtree(self.short, ignore_errors=True)

    def _socket(self) -> Path:
        """The path of the broker's socket: in the folder, or in a temporary one if the path is too long for the system."""
        path = self.folder / "broker.sock"
        if len(str(path)) <= demo_parts.MAX_SOCKET_PATH:
            return path
        self.short = tempfile.mkdtemp(prefix="tillway-")
        return Path(self.short) / "broker.sock"

    def _write_demo_json(self, url: str, made: dict[str, Any], layout: LabLayout) -> None:
        facts = {
            "url": url,
            **made,
            "netpos_host": layout.netpos_host,
            "netpos_port": layout.port,
            "member": layout.member,
            "ca_file": str(layout.ca_file),
            "lab_dir": str(layout.root),
        }
        temp = self.folder / "demo.json.tmp"
        temp.write_text(json.dumps(facts, indent=1), encoding="utf-8")
        temp.chmod(0o600)
        os.replace(temp, self.folder / "demo.json")

    def _tell(self, url: str, made: dict[str, Any], layout: LabLayout, seconds: float) -> None:
        by_hand = self.options["by_hand"]
        apart = f", {by_hand} of them by hand" if by_hand else ""
        all_on = f"{len(layout.names)} terminals, all on HTTP{apart}"
        self.say(f"\n  Tillway is ready after {seconds:.1f} s: one server, {all_on}.\n")
        self.say(f"  Dashboard  {url}")
        self.say(f"  Admin      {made['admin_user']} / {made['admin_password']}")
        self.say(f"  Approver   {made['approver_user']} / {made['approver_password']}")
        self.say(f"  API token  {made['api_token']}")
        self.say(f"  Lab        {layout.root}\n")
        if not self.options["exit"]:
            self.say("  Log in, press Plan cutover, then Start now. Ctrl-C ends everything.\n")


def _terminals(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 2000:
        raise argparse.ArgumentTypeError("must be from 1 to 2000")
    return count


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= 2000:
        raise argparse.ArgumentTypeError("must be from 0 to 2000")
    return count


def _language(text: str) -> str:
    if text not in languages.NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(languages.NAMES)}")
    return text


def _fresh(folder: Path) -> Path:
    """Make an empty folder with our marker file. It only empties a folder that an earlier demo made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise CommandError(f"--dir: {folder} is not empty and no demo made it; choose another folder")
        _refuse_running(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / MARKER).touch()
    (folder / "logs").mkdir()
    return folder


def _refuse_running(folder: Path) -> None:
    """Raise CommandError if a demo runs in this folder: two would remove each other's files."""
    with contextlib.suppress(OSError, ValueError, KeyError, IndexError):
        pid = json.loads((folder / "processes.json").read_text(encoding="utf-8"))["supervisor"][0]
        os.kill(pid, 0)
        raise CommandError(f"--dir: a demo is running in {folder} (process {pid}); end it, or choose another folder")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise CommandError(f"--port: {port} is taken by another program; choose another, or 0 for any free one")


def _finish_setup(setup: "subprocess.Popen[bytes]", layout: LabLayout, by_hand: Collection[str]) -> dict[str, Any]:
    devices = [("NetPOS", "server", str(layout.server_dir / "agent" / "enrol.token"))]
    devices += [(n, "terminal", str(layout.root / "terminals" / n / "agent" / "enrol.token")) for n in layout.names]
    said = {
        "member": str(layout.member),
        "devices": devices,
        "probe": dialects.of(layout.dialect).profile(),
        "by_hand": sorted(by_hand),
    }
    out, _ = setup.communicate(json.dumps(said).encode())
    if setup.returncode:
        raise CommandError("the demo's database could not be set up")
    made: dict[str, Any] = json.loads(out)
    return made


def _ready(client: Client, layout: LabLayout, by_hand: Collection[str]) -> bool:
    """Whether every agent is connected, and every terminal has had a successful lookup. by_hand: the terminals that are to
    have no agent; the API shows one that has not enrolled yet as by hand, too."""
    with contextlib.suppress(OSError, ApiError, ValueError):
        devices = client.get("/servers")["items"] + client.get(f"/terminals?limit={len(layout.names)}")["items"]
        if not all(d["name"] in by_hand or ((d["agent"] or {}).get("connected") and d["scheme"]) for d in devices):
            return False
        return all(_looked_up(layout.root / "terminals" / name / "lookups.jsonl") for name in layout.names)
    return False


def _looked_up(path: Path) -> bool:
    try:
        return '"ok":true' in path.read_text(encoding="utf-8").replace(" ", "")
    except OSError:
        return False
