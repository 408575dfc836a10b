"""A demo site as a user has it: started by the command, driven over REST, judged by its files."""

import json
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Unpack

from fleet.management.demo.site import LabOptions
from tests.faults.site import Site

REST = {"completed", "rolled_back", "needs_person", "cancelled"}


class DemoSite(Site):
    """Starts the demo in a folder of its own; use as a context manager."""

    def __init__(self, terminals: int = 8, *, seed: int = 3, postgres: str | None = None, **lab: Unpack[LabOptions]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="tw-acc-"))
        super().__init__(folder, terminals, seed=seed, postgres=postgres, **lab)

    def __enter__(self) -> "DemoSite":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def begin(self, **fields: Any) -> int:
        """Plan a cutover and start it; its id."""
        cutover = self.client.post("/cutovers", {"site": self.facts["site"], **fields})
        self.client.post(f"/cutovers/{cutover['id']}/start")
        return int(cutover["id"])

    def rest(self, number: int, limit_s: float = 90) -> dict[str, Any]:
        """The cutover once it is at rest."""

        def at_rest() -> dict[str, Any] | None:
            now = self.cutover(number)
            return now if now and now["state"] in REST else None

        return self.wait(at_rest, limit_s, f"cutover {number} to come to rest")

    def goes_back(self, number: int, before: dict[str, Any], *, rest_s: float = 90, lookups_s: float = 10) -> None:
        """Roll this cutover back: every byte is as `before`, and every terminal works. rest_s, lookups_s: how long it may take
        to come to rest, and until every terminal has looked up."""
        self.client.post(f"/cutovers/{number}/roll_back")
        end = self.rest(number, rest_s)
        assert end["state"] == "rolled_back", end["reason"]
        assert self.snapshot() == before
        self.wait(lambda: self.all_ok("http"), lookups_s, "the terminals' own lookups over http")

    def take_effect(self, faults: dict[str, Any]) -> None:
        """Set faults and let the half second pass in which they take effect."""
        self.faults(faults)
        since = time.monotonic()
        self.wait(lambda: time.monotonic() - since > 0.6, 5, "the fault to take effect")

    def secured(self) -> dict[str, bool]:
        """name -> what the settings file says."""
        return {n: self._element(f"terminals/{n}/TouchSettings.xml", "Customers/Secured") == "True" for n in self.names}

    def server_ssl(self) -> bool:
        """What the server's settings file says."""
        return self._element("server/NetPOSSettings.xml", "General/UseSSL") == "True"

    def all_ok(self, scheme: str) -> bool:
        """Whether each terminal's last two own lookups were answered in this scheme."""
        for name in self.names:
            lines = (self.lab / "terminals" / name / "lookups.jsonl").read_text().splitlines()
            last = [json.loads(line) for line in lines[-3:] if line.endswith("}")][-2:]
            if len(last) < 2 or not all(r["ok"] and r["scheme"] == scheme for r in last):
                return False
        return True

    def _element(self, file: str, path: str) -> str:
        return (ET.fromstring((self.lab / file).read_bytes()).findtext(path) or "").strip()
