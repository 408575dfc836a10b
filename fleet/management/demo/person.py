"""The lab's person: stands at the terminals by hand, does what their pages ask for, and answers over REST.

python -m fleet.management.demo.person --dir LAB --url URL --seed N     (the API token: TILLWAY_PERSON_TOKEN)

It sets Secured in the terminal's own settings file, as Touch's settings window would, waits for a lookup of that terminal
and says how it went. In a rollback it puts the file back byte for byte. All that it has to remember is on disk, so it may
die at any moment."""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import StepError
from agents.files import Files
from agents.lab.faults import Faults, LabFiles, LabNetwork
from agents.lab.touch import state
from agents.lab.touch.program import LabTouch
from agents.profiles.profile import BUILT_IN
from agents.profiles.reading import Reading
from agents.storage import atomic
from fleet.management.demo.client import ApiError, Client

TOKEN = "TILLWAY_PERSON_TOKEN"  # noqa: S105 — the variable's name
LOOK_S = 0.5  # how often the person looks at the cutovers
COMES_S = (1.0, 4.0)  # how long the way to a terminal takes
CLOSES_S = 30.0  # how long the person waits for a Touch that is to close
LOOKUP_S = 12.0  # how long the person waits for a lookup that works
TAIL_BYTES = 64 * 1024
ASLEEP = ("draft", "submitted", "scheduled", "cancelled", "rolled_back")
# State of a run -> whether it is to go to the new scheme. An unreachable one is answered late.
ASKED = {"switching": True, "unreachable": True, "undoing": False, "undo_failed": False}


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done at one terminal."""

    cutover: int
    terminal: str
    scheme: str  # what to set
    back: bool  # in a rollback


class Person:
    """One person for all terminals by hand, one after the other."""

    def __init__(self, lab: Path, client: Client, seed: int) -> None:
        self._lab, self._client = lab, client
        self._random = random.Random(seed)  # noqa: S311 — how long a person walks
        self._faults = Faults(lab)

    def work(self) -> None:
        """Do what is to be done now at one terminal. Raises ApiError, OSError while the dashboard is away."""
        task = self._next()
        if task is None:
            return
        time.sleep(self._random.uniform(*COMES_S))
        if self._next() != task:
            return  # the page says something else now
        result, note = self._set(task)
        self._client.post(
            f"/cutovers/{task.cutover}/by_hand",
            {"terminal": task.terminal, "result": result, "note": note[:200], "scheme": task.scheme},
        )

    def _next(self) -> Task | None:
        awake = [c for c in self._client.get("/cutovers")["items"] if c["state"] not in ASLEEP]
        for summary in awake[-1:]:  # the newest decides
            cutover = self._client.get(f"/cutovers/{summary['id']}")
            for run in cutover["device_runs"]:
                if run["by_hand"] and run.get("kind") != "server" and run["state"] in ASKED:
                    return _task(cutover, run)
        return None

    def _set(self, task: Task) -> tuple[str, str]:
        """Set the terminal, and look a member up there. Returns the result and a note."""
        folder = self._lab / "terminals" / task.terminal
        log = folder / "lookups.jsonl"
        begun = time.time()
        try:
            asyncio.run(self._change(folder, task))
        except (OSError, StepError) as error:
            return "does_not_work", f"the settings cannot be saved: {error}"
        end = time.monotonic() + LOOKUP_S
        last = "no lookup was made"
        while time.monotonic() < end:
            for row in _rows(log, begun):
                if row.get("scheme") == task.scheme and row.get("ok") is True:
                    return "done", ""
                last = str(row.get("error") or last)
            time.sleep(LOOK_S / 2)
        return "does_not_work", last

    async def _change(self, folder: Path, task: Task) -> None:
        """Change the settings. A Touch that keeps them in memory is closed for it and started again, also where this person
        died in between."""
        is_set = self._is_set(folder, task)
        if state.read(folder) is None:
            if not is_set:
                self._write(folder, task)
            return
        touch = LabTouch(folder)
        if not is_set:
            await touch.close(CLOSES_S, kill=False)
            self._write(folder, task)
        if not (await touch.state()).running:
            await touch.start()
            await touch.appears(LOOKUP_S)

    def _is_set(self, folder: Path, task: Task) -> bool:
        data = (folder / "TouchSettings.xml").read_bytes()
        return Reading(BUILT_IN["terminal"], data, "TouchSettings.xml").secure() == (task.scheme == "https")

    def _write(self, folder: Path, task: Task) -> None:
        """Save the settings. What they were before is kept, so that a rollback can put back every byte."""
        files: Files = LabFiles(LabNetwork(self._faults, task.terminal))
        path, kept = folder / "TouchSettings.xml", folder / f"by-hand-{task.cutover}.kept"
        data = files.read(path)
        secure = task.scheme == "https"
        if task.back:
            files.write(path, kept.read_bytes())
            return
        if not kept.exists():
            kept.touch(mode=0o600)
            atomic.replace(kept, data)
        files.write(path, Reading(BUILT_IN["terminal"], data, path.name).switched(secure))


def _task(cutover: dict[str, Any], run: dict[str, Any]) -> Task | None:
    back = cutover["direction"] == "back"
    if ASKED[run["state"]] == back:
        return None  # the server goes back first
    return Task(cutover["id"], run["device"], cutover["from_scheme" if back else "to_scheme"], back)


def _rows(log: Path, since: float) -> list[dict[str, Any]]:
    """The lookups that this terminal has begun since then, in seconds since 1970; the newest are last."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().split(b"\n")[1 if size > TAIL_BYTES else 0 : -1]
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["t"] - row["ms"] / 1000 >= since]


def main() -> int:
    """The program's entry point; it runs until it is ended."""
    parser = argparse.ArgumentParser(description="The lab's person at the terminals by hand.")
    parser.add_argument("--dir", type=lambda text: Path(text).resolve(), required=True, help="the lab folder")
    parser.add_argument("--url", required=True, help="the dashboard's address")
    parser.add_argument("--seed", type=int, default=1, help="of how long the person takes")
    arguments = parser.parse_args()
    person = Person(arguments.dir, Client(arguments.url, os.environ[TOKEN]), arguments.seed)
    while True:
        try:
            person.work()
        except (ApiError, OSError, ValueError) as error:
            # The dashboard may be away for a moment, or the question has changed: look again.
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {error}\n")
        time.sleep(LOOK_S)


if __name__ == "__main__":
    sys.exit(main())
