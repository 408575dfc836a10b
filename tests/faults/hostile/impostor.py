"""Replaces one terminal's honest agent by the hostile program, and brings it back."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fleet.management.demo.parts import AGENT_PROCESSES
from fleet.management.demo.site import POLL_S
from tests.faults.hostile.behaviours import CLONE
from tests.faults.site import Site

ROOT = Path(__file__).resolve().parents[3]
FIND_S, END_S = 5.0, 5.0  # how long the agents may take to start, and the liar to end
_SIGNED = """SELECT d.name, i.body, i.signature FROM fleet_instruction i JOIN fleet_agent a ON a.id = i.agent_id
JOIN fleet_device d ON d.id = a.device_id ORDER BY i.id DESC LIMIT 50"""


class Impostor:
    """One terminal with a liar in the place of its agent. name: of the terminal; behaviours: names of what the liar does."""

    def __init__(self, site: Site, name: str, behaviours: Sequence[str], *, seed: int = 1) -> None:
        self.site, self.name, self.behaviours, self.seed = site, name, tuple(behaviours), seed
        self.process: subprocess.Popen[bytes] | None = None
        self._moved = False
        folder = site.lab / "terminals" / name
        self._config, self._away = folder / "agent.toml", folder / "agent.toml.away"
        self._out = site.folder / "logs" / f"hostile-{name}.jsonl"
        self._loot = site.folder / f"loot-{name}.json"

    def take(self) -> None:
        """Kill the honest agent, take its configuration away so that it cannot start again, and start the liar. A clone
        runs beside the honest agent instead. Raises OSError if the agent's process is not found, NotLocked if the
        database is locked."""
        signed = self.site.database.rows(_SIGNED)
        loot = [(body, signature) for name, body, signature in signed if name != self.name]
        self._loot.write_text(json.dumps(loot), encoding="utf-8")
        if CLONE not in self.behaviours:
            self._config.rename(self._away)
            self._moved = True
            os.kill(self._honest(), signal.SIGKILL)
        config = self._config if CLONE in self.behaviours else self._away
        argv = [sys.executable, "-m", "tests.faults.hostile", "--config", str(config), "--seed", str(self.seed)]
        argv += ["--do", ",".join(self.behaviours), "--loot", str(self._loot)]
        with self._out.open("wb") as out, self._out.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True
            )

    def back(self) -> None:
        """End the liar. The honest agent starts again within two seconds. A second call does nothing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(END_S)
            self.process = None
        if self._moved:
            self._away.rename(self._config)
            self._moved = False

    def said(self, event: str, **more: Any) -> list[dict[str, Any]]:
        """The liar's output lines of this event, the oldest first. Raises OSError if it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            raise OSError(f"the hostile program ended by itself; see {self._out.with_suffix('.log')}")
        lines = self._out.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        return [row for row in rows if row["event"] == event and all(row.get(key) == value for key, value in more.items())]

    def _honest(self) -> int:
        """The id of the process in which this terminal's agent runs. The demo distributes and lists the agents in order."""
        processes = min(AGENT_PROCESSES, len(self.site.names))
        end = time.monotonic() + FIND_S
        while len(pids := self.site.pids().get("terminal_agents", [])) != processes:
            if time.monotonic() > end:
                raise OSError(f"the agents are not all there: {pids}")
            time.sleep(POLL_S)
        return pids[self.site.names.index(self.name) % processes]


@contextlib.contextmanager
def taken(impostors: Iterable[Impostor]) -> Any:
    """Start all of these in the block, and bring the honest agents back after it."""
    impostors = list(impostors)
    try:
        for impostor in impostors:
            impostor.take()
        yield impostors
    finally:
        for impostor in impostors:
            impostor.back()
