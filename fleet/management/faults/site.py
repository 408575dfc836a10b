"""A demo site as its user has it: started by the command, driven over REST, read and hurt through its files."""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agents import points
from agents.lab import languages, layout, plants
from fleet.management.demo.client import ApiError, Client
from fleet.management.faults import database

T = TypeVar("T")

READY_S, STOP_S, ANSWER_S, POLL_S = 150.0, 20.0, 30.0, 0.05
# What a request meets while the web process is being killed, frozen or started again.
DASHBOARD = ("gateway", "worker", "beat", "web")
UNANSWERED = (OSError, ValueError, http.client.HTTPException)


class SiteFailed(Exception):
    """The demo did not do what is asked of any demo, such as coming up."""


class Site:
    """folder: the demo's own folder and, beside it, the armed point and the demo's output; postgres: the URL of
    a PostgreSQL server on which each demo gets a database of its own, None for the embedded one; language: what the
    lab's Windows speaks. program: what starts the demo, manage.py or a script that takes its arguments."""

    program = Path(__file__).resolve().parents[3] / "manage.py"

    def __init__(
        self, folder: Path, terminals: int, *, seed: int = 1, postgres: str | None = None, language: str = languages.DEFAULT
    ) -> None:
        self.folder, self.terminals, self.seed, self.postgres = folder / "demo", terminals, seed, postgres
        self.language = language
        self.database: database.Sqlite | database.Postgres = database.Sqlite(self.folder / "tillway.sqlite3")
        self.point_file = folder / "point.json"
        self.output = folder / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None

    # -- the demo itself

    def start(self) -> None:
        """A fresh demo, ready. Raises SiteFailed."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.disarm()
        (self.folder / "demo.json").unlink(missing_ok=True)
        argv = [sys.executable, str(self.program), "demo", "--idle", "--dir", str(self.folder)]
        argv += ["--port", "0", "--terminals", str(self.terminals), "--seed", str(self.seed), "--language", self.language]
        if self.postgres:
            self.database = database.fresh(self.postgres)
            argv += ["--database", self.database.url]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TILLWAY_", "DATABASE_URL"))}
        env[points.VARIABLE] = str(self.point_file)
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait((self.folder / "demo.json").exists, READY_S, "the demo to come up")
        self.facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        self.lab = Path(self.facts["lab_dir"])
        plants.needed_by(layout.load(self.lab))  # so that the steps that stop and start other services are hurt, too
        self.client = Client(self.facts["url"], self.facts["api_token"])
        self.names = sorted(p.parent.name for p in self.lab.glob("terminals/*/TouchSettings.xml"))

    def stop(self) -> None:
        """End it, and whatever it would leave behind."""
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
                    _signal_group(pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def restart(self) -> None:
        """All anew, on HTTP."""
        self.stop()
        self.start()

    def wait(self, done: Callable[[], T | None], limit_s: float, what: str) -> T:
        """Poll until done() is true; its value. Raises SiteFailed."""
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
        """group -> process ids, as the supervisor has written them last."""
        try:
            found: dict[str, list[int]] = json.loads((self.folder / "processes.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # before the demo's first moment
        return {group: pids for group, pids in found.items() if group != "supervisor"}

    def signal(self, group: str, number: signal.Signals, which: int | None = None) -> None:
        """To all processes of this group, or to one. Freezing and thawing hold for their children, too."""
        pids = self.pids().get(group, [])
        for pid in pids if which is None or not pids else [pids[which % len(pids)]]:
            if number == signal.SIGKILL:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            else:
                _signal_group(pid, number)

    def swap_database(self) -> bool:
        """Every process of the dashboard dies, and comes back with the copy that was made before; False without
        one. The supervisor is held meanwhile, so that none of them opens what is about to be replaced."""
        assert self.process is not None
        assert isinstance(self.database, database.Sqlite)
        self.process.send_signal(signal.SIGSTOP)
        try:
            for group in DASHBOARD:
                for pid in self.pids().get(group, []):
                    _signal_group(pid, signal.SIGKILL)
            return self.database.restore()
        finally:
            self.process.send_signal(signal.SIGCONT)

    def thaw(self) -> None:
        """Nothing is frozen any more."""
        for group in self.pids():
            self.signal(group, signal.SIGCONT)

    def all_alive(self) -> bool:
        """Whether each group has its processes again."""
        pids = self.pids()
        return bool(pids) and all(group and all(_alive(pid) for pid in group) for group in pids.values())

    # -- its faults

    def faults(self, value: dict[str, Any] | None) -> None:
        """Replace faults.json in one move, or remove it."""
        if value is None:
            (self.lab / "faults.json").unlink(missing_ok=True)
        else:
            _replace(self.lab / "faults.json", value)

    def arm(self, point: str, times: int, part: str | None = None) -> None:
        """Whoever reaches this point dies, so many times; with a part, only processes of this group do."""
        _replace(self.point_file, {"point": point, "times": times, "part": part})

    def armed(self) -> int:
        """How many deaths are still to come."""
        try:
            return int(json.loads(self.point_file.read_text(encoding="utf-8"))["times"])
        except FileNotFoundError:
            return 0

    def disarm(self) -> None:
        """No point is fatal."""
        self.point_file.unlink(missing_ok=True)

    # -- its REST API

    def cutover(self, number: int) -> dict[str, Any] | None:
        """The cutover as the dashboard tells it now, None when it does not answer."""
        try:
            found: dict[str, Any] = self.client.get(f"/cutovers/{number}")
            return found
        except (ApiError, *UNANSWERED):
            return None

    def transitions(self, number: int) -> list[dict[str, Any]]:
        """Everything that was written down about it, as soon as somebody answers. Raises SiteFailed."""

        def ask() -> dict[str, list[dict[str, Any]]] | None:
            try:
                found: dict[str, list[dict[str, Any]]] = self.client.get(f"/cutovers/{number}/transitions")
            except UNANSWERED:
                return None
            return found

        return self.wait(ask, ANSWER_S, "the dashboard to tell what happened")["items"]

    def attention(self) -> set[str]:
        """The devices that somebody has to look at, by name."""
        try:
            return {item["device"] for item in self.client.get("/attention")["items"] if item["device"]}
        except (ApiError, *UNANSWERED):
            return set()

    def press(self, number: int, verb: str) -> str:
        """What a person does; "ok", or why not."""
        try:
            self.client.post(f"/cutovers/{number}/{verb}")
        except ApiError as error:
            return f"refused: {error}"
        except UNANSWERED as error:
            return f"no answer: {error!r}"
        return "ok"

    def connected(self) -> bool:
        """Every agent has its connection."""
        try:
            devices = self.client.get("/servers")["items"] + self.client.get("/terminals?limit=1000")["items"]
        except (ApiError, *UNANSWERED):
            return False
        return all(d["agent"] and d["agent"]["connected"] for d in devices)

    # -- what lies on its disk

    def snapshot(self) -> dict[str, Any]:
        """Every settings file's digest; http.sys and the services by meaning."""
        files = [*self.lab.glob("terminals/*/TouchSettings.xml"), self.lab / "server" / "NetPOSSettings.xml"]
        found: dict[str, Any] = {str(f.relative_to(self.lab)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        for name in ("httpsys.json", "services.json"):
            for key, rows in json.loads((self.lab / "server" / name).read_text(encoding="utf-8")).items():
                found[f"{name} {key}"] = sorted(rows, key=json.dumps)
        return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Each part leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _replace(path: Path, value: dict[str, Any]) -> None:
    temp = path.with_suffix(".tmp")
    temp.write_text(json.dumps(value), encoding="utf-8")
    temp.replace(path)
