"""A demo site that can be disturbed: its processes killed and frozen, its database locked, faults of its lab set."""

import contextlib
import fcntl
import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any, Unpack

from agents import failpoints
from agents.lab import layout, misconfigurations
from fleet.management.demo.client import ApiError
from fleet.management.demo.processes import alive, signal_group
from fleet.management.demo.site import UNANSWERED, DemoSite, LabOptions
from tests.faults import database

ANSWER_S = 30.0  # how long the dashboard may take to answer
DASHBOARD = ("gateway", "worker", "beat", "web")


class Site(DemoSite):
    """postgres: the URL of a PostgreSQL server on which each demo gets a database of its own, None for the embedded one.
    The file with the armed failpoint lies next to the demo's folder."""

    def __init__(
        self, folder: Path, terminals: int, *, seed: int = 1, postgres: str | None = None, **lab: Unpack[LabOptions]
    ) -> None:
        super().__init__(folder, terminals, seed=seed, **lab)
        self.postgres = postgres
        self.database: database.Sqlite | database.Postgres = database.Sqlite(self.folder / "tillway.sqlite3")
        self.point_file = folder / "point.json"

    # -- the demo itself

    def start(self) -> None:
        """Start a new demo and wait until it is ready. It has services that depend on NetPOS.Net, so that faults can hit the
        steps which stop and start those. Raises SiteFailed."""
        self.disarm()
        super().start()
        misconfigurations.needed_by(layout.load(self.lab))

    def arguments(self) -> list[str]:
        """The command line, with a database of its own on PostgreSQL where that is asked for."""
        argv = super().arguments()
        if self.postgres:
            self.database = database.fresh(self.postgres)
            argv += ["--database", self.database.url]
        return argv

    def environment(self) -> dict[str, str]:
        """The environment, with the name of the file that arms failpoints."""
        return super().environment() | {failpoints.VARIABLE: str(self.point_file)}

    def restart(self) -> None:
        """Start a new demo, which is on HTTP."""
        self.stop()
        self.start()

    # -- its processes

    def signal(self, group: str, number: signal.Signals, which: int | None = None) -> None:
        """Send a signal to all processes of this group, or to one. All signals but SIGKILL go to their children, too."""
        pids = self.pids().get(group, [])
        for pid in pids if which is None or not pids else [pids[which % len(pids)]]:
            if number == signal.SIGKILL:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            else:
                signal_group(pid, number)

    def swap_database(self) -> bool:
        """Kill every process of the dashboard and replace the database by the copy that was made before. Returns False if
        there is no copy. The supervisor is stopped meanwhile, so that no process opens the old database."""
        assert self.process is not None
        assert isinstance(self.database, database.Sqlite)
        self.process.send_signal(signal.SIGSTOP)
        try:
            for group in DASHBOARD:
                for pid in self.pids().get(group, []):
                    signal_group(pid, signal.SIGKILL)
            return self.database.restore()
        finally:
            self.process.send_signal(signal.SIGCONT)

    def all_alive(self) -> bool:
        """Whether the processes of every group run."""
        pids = self.pids()
        return bool(pids) and all(group and all(alive(pid) for pid in group) for group in pids.values())

    # -- its faults

    def faults(self, value: dict[str, Any] | None) -> None:
        """Replace faults.json atomically, or remove it for None."""
        if value is None:
            (self.lab / "faults.json").unlink(missing_ok=True)
        else:
            _replace(self.lab / "faults.json", value)

    def arm(self, point: str, times: int, part: str | None = None) -> None:
        """Let the next `times` processes that reach this point die. part: only processes of this group."""
        _replace(self.point_file, {"point": point, "times": times, "part": part})

    def armed(self) -> int:
        """How many deaths are still to come. Who dies counts down under a lock, so the file is read under one, too."""
        try:
            with self.point_file.open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return int(json.load(file)["times"])
        except FileNotFoundError:
            return 0

    def disarm(self) -> None:
        """Let no process die at a point any more."""
        self.point_file.unlink(missing_ok=True)

    # -- its REST API

    def transitions(self, number: int) -> list[dict[str, Any]]:
        """The transitions of this cutover, as soon as the dashboard answers. Raises SiteFailed."""

        def ask() -> dict[str, list[dict[str, Any]]] | None:
            try:
                found: dict[str, list[dict[str, Any]]] = self.client.get(f"/cutovers/{number}/transitions")
            except UNANSWERED:
                return None
            return found

        return self.wait(ask, ANSWER_S, "the dashboard to tell what happened")["items"]

    def attention(self) -> set[str]:
        """The names of the devices that need attention."""
        try:
            return {item["device"] for item in self.client.get("/attention")["items"] if item["device"]}
        except (ApiError, *UNANSWERED):
            return set()

    def press(self, number: int, verb: str) -> str:
        """Press the button of this verb as a person does. Returns "ok", or why it did not work."""
        try:
            self.client.post(f"/cutovers/{number}/{verb}")
        except ApiError as error:
            return f"refused: {error}"
        except UNANSWERED as error:
            return f"no answer: {error!r}"
        return "ok"

    def connected(self) -> bool:
        """Whether every agent is connected."""
        try:
            devices = self.client.get("/servers")["items"] + self.client.get("/terminals?limit=1000")["items"]
        except (ApiError, *UNANSWERED):
            return False
        return all(d["by_hand"] or (d["agent"] and d["agent"]["connected"]) for d in devices)

    # -- what lies on its disk

    def snapshot(self) -> dict[str, Any]:
        """The digest of every settings file, and the content of http.sys and of the services, sorted."""
        files = [*self.lab.glob("terminals/*/TouchSettings.xml"), self.lab / "server" / "NetPOSSettings.xml"]
        found: dict[str, Any] = {str(f.relative_to(self.lab)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        for name in ("httpsys.json", "services.json"):
            for key, rows in json.loads((self.lab / "server" / name).read_text(encoding="utf-8")).items():
                found[f"{name} {key}"] = sorted(rows, key=json.dumps)
        return found


def _replace(path: Path, value: dict[str, Any]) -> None:
    temp = path.with_suffix(".tmp")
    temp.write_text(json.dumps(value), encoding="utf-8")
    temp.replace(path)
