"""One cutover with liars among the tills, judged from outside."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.site import REST, DemoSite
from tests.faults.hostile.impostor import Impostor, taken
from tests.hostile.person import Person

REST_S, OPEN_S, FOUND_S, BACK_S = 90.0, 60.0, 60.0, 60.0
PRESSES = 6
LOGS = ("gateway.log", "web.log", "worker.log", "beat.log")


@dataclass(slots=True)
class Scenario:
    """One cutover. run() fills the fields below `body`."""

    site: DemoSite
    liars: dict[str, Sequence[str]]  # names of behaviours by terminal
    body: dict[str, Any] = field(default_factory=dict)  # of POST /cutovers
    end: dict[str, Any] = field(default_factory=dict)  # the cutover when it has ended
    down: dict[str, float] = field(default_factory=dict)  # each honest till's longest time without an answer, by its own log
    grown: int = 0  # bytes by which the database grew
    pressed: list[tuple[str, int, str]] = field(default_factory=list)  # what the person pressed: verb, status, text
    bad: list[tuple[str, int, str]] = field(default_factory=list)  # answers that nobody should get
    back: str = ""  # the state after the rollback, where one was needed
    epochs: int = 0  # by how much the site's epoch grew
    counted: int = 0  # the largest number of an instruction or a report
    warning: str | None = None  # what the site's warning says about the database
    logs: str = ""  # what the dashboard logged

    @property
    def honest(self) -> list[str]:
        return [name for name in self.site.names if name not in self.liars]

    def run(self) -> None:
        """Run the cutover forward with the liars, and back without them."""
        site, since, size = self.site, time.time(), self.site.database.size()
        self.epochs = -self._epoch()
        marks = {name: _size(site.folder / "logs" / name) for name in LOGS}
        before = site.snapshot()
        impostors = [Impostor(site, name, behaviours) for name, behaviours in self.liars.items()]
        with Person(site) as person:
            with taken(impostors):
                for impostor in impostors:
                    site.wait(
                        lambda impostor=impostor: impostor.said("welcomed"),
                        OPEN_S,
                        f"{impostor.name} to have done what it does first",
                    )
                site.wait(site.connected, OPEN_S, "every till to be connected, liars and all")
                self._forward(person)
                for impostor in impostors:  # who was late has not been tried; who floods may be kept out
                    tried = impostor.said("hurt") or impostor.said("answered") or "flood" in impostor.behaviours
                    assert tried, self.run_of(impostor.name)
                for impostor in impostors:
                    site.wait(
                        lambda impostor=impostor: self._found(person, impostor.name),
                        FOUND_S,
                        f"{impostor.name} to be found out",
                    )
                self.end = site.cutover(int(person.cutover or 0)) or self.end
            site.wait(site.connected, BACK_S, "the honest agents to be back")
            if self.end["state"] != "rolled_back":
                self._press(person, "roll_back")
                self.back = self._to_rest(person)["state"]
            site.wait(lambda: site.all_ok("http"), BACK_S, "every till to be served over http again")
            self._could_start_again(person)
        assert self.back in ("", "rolled_back"), f"the way back ended as {self.back}"
        self.bad = person.bad
        self.epochs += self._epoch()
        self.warning = site.database.rows("SELECT warning FROM fleet_site")[0][0]
        self.counted = max(site.database.rows("SELECT max(seq), max(acked) FROM fleet_agent")[0])
        self.down = {name: longest_silence(site, name, since) for name in self.honest}
        self.grown = site.database.size() - size
        self.logs = "".join(_since(site.folder / "logs" / name, mark) for name, mark in marks.items())
        assert site.snapshot() == before, "the way back is not the way it was"

    def run_of(self, name: str) -> dict[str, Any]:
        """A device's run in the cutover at its end."""
        return next(run for run in self.end["device_runs"] if run["device"] == name)

    def _epoch(self) -> int:
        return int(self.site.database.rows("SELECT epoch FROM fleet_site")[0][0])

    # -- the person's part

    def _forward(self, person: Person) -> None:
        reply = person.rest("POST", "/cutovers", {"site": self.site.facts["site"], **self.body})
        assert reply.status == 201, reply
        person.cutover = reply.data["id"]
        self._press(person, "start")
        self.end = self._to_rest(person)

    def _could_start_again(self, person: Person) -> None:
        """Nothing that was said stands in the way of the next cutover: it fits into ten minutes."""
        later = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        body = {"site": self.site.facts["site"], "starts_at": later, "duration_minutes": 10}
        person.cutover = person.rest("POST", "/cutovers", body).data["id"]
        self._press(person, "start")
        self._press(person, "cancel")

    def _to_rest(self, person: Person) -> dict[str, Any]:
        """The cutover at rest. Where it waits for a person, Resume is pressed; where that is refused, Roll back works."""
        number = int(person.cutover or 0)
        for _ in range(PRESSES):
            now = self.site.wait(lambda: self._waits_or_rests(number), REST_S, f"cutover {number} to come to rest")
            if now["state"] in REST:
                return now
            assert now["finding"], f"paused, and nobody knows why: {now['reason']}"
            if self._press(person, "resume", may_be_refused=True) != 202:
                self._press(person, "roll_back")
        raise AssertionError(f"it pauses again and again: {self.pressed}")

    def _waits_or_rests(self, number: int) -> dict[str, Any] | None:
        now = self.site.cutover(number)
        if now is None:
            return None
        moving = any(run["state"] in ("switching", "undoing") for run in now["device_runs"])
        return now if now["state"] in REST or (now["state"] == "paused" and not moving) else None

    def _press(self, person: Person, verb: str, *, may_be_refused: bool = False) -> int:
        reply = person.press(verb)
        self.pressed.append((verb, reply.status, "" if reply.status == 202 else reply.text[:300]))
        expected = (202, 409) if may_be_refused else (202,)
        assert reply.status in expected, f"{self.pressed}: no way on"
        return reply.status

    def _found(self, person: Person, name: str) -> bool:
        """Whether this liar counts as what it is: not verified, and named with a reason."""
        self.end = self.site.cutover(int(person.cutover or 0)) or self.end
        if self.end["state"] == "rolled_back":
            cause = self.end.get("cause") or {}
            return name in cause.get("devices", ())
        run = self.run_of(name)
        return run["state"] != "verified" and run["finding"] is not None


def longest_silence(site: DemoSite, name: str, since: float) -> float:
    """Seconds between two answered lookups of the till's own, the longest since then; up to now, if there was none after."""
    lines = (site.lab / "terminals" / name / "lookups.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    good = [row["t"] for row in rows if row["ok"] and row["t"] >= since - 2]
    ends = [*good[1:], time.time()]
    return max((after - before for before, after in zip(good, ends, strict=True)), default=float("inf"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _since(path: Path, mark: int) -> str:
    return path.read_bytes()[mark:].decode(errors="replace") if path.exists() else ""
