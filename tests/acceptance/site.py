"""A demo site as a user has it: started by the command, driven over REST, judged by its files."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from fleet.management.demo.client import Client

ROOT = Path(__file__).resolve().parents[2]
REST = {"completed", "rolled_back", "needs_person", "cancelled"}


class DemoSite:
    """Starts `manage.py demo --idle`; use as a context manager."""

    def __init__(self, terminals: int = 8, *, seed: int = 3) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tw-acc-")) / "d"
        self.argv = [sys.executable, "manage.py", "demo", "--idle", "--dir", str(self.folder), "--port", "0"]
        self.argv += ["--terminals", str(terminals), "--seed", str(seed)]

    def __enter__(self) -> "DemoSite":
        env = {k: v for k, v in os.environ.items() if not k.startswith("TILLWAY_")}
        self.log = (self.folder.parent / "demo.log").open("wb")
        self.process = subprocess.Popen(self.argv, cwd=ROOT, env=env, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait(lambda: (self.folder / "demo.json").exists(), 120, "the demo to come up")
        self.facts = json.loads((self.folder / "demo.json").read_text())
        self.lab = Path(self.facts["lab_dir"])
        self.client = Client(self.facts["url"], self.facts["api_token"])
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            self.log.close()

    def wait(self, done: Any, limit_s: float, what: str) -> Any:
        """Poll until done() is true; its value. Fails with what was waited for."""
        end = time.monotonic() + limit_s
        while True:
            if value := done():
                return value
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended: {(self.folder.parent / 'demo.log').read_text()[-2000:]}")
            if time.monotonic() > end:
                raise AssertionError(f"waited {limit_s} s for {what}")
            time.sleep(0.05)

    def start(self, **fields: Any) -> int:
        """Plan a cutover and start it; its id."""
        cutover = self.client.post("/cutovers", {"site": self.facts["site"], **fields})
        self.client.post(f"/cutovers/{cutover['id']}/start")
        return int(cutover["id"])

    def rest(self, cutover: int, limit_s: float = 90) -> dict[str, Any]:
        """The cutover once it is at rest."""

        def at_rest() -> dict[str, Any] | None:
            now: dict[str, Any] = self.client.get(f"/cutovers/{cutover}")
            return now if now["state"] in REST else None

        return self.wait(at_rest, limit_s, f"cutover {cutover} to come to rest")

    def faults(self, value: dict[str, Any] | None) -> None:
        """Replace faults.json in one move, or remove it."""
        path = self.lab / "faults.json"
        if value is None:
            path.unlink(missing_ok=True)
            return
        temp = path.with_suffix(".tmp")
        temp.write_text(json.dumps(value))
        temp.replace(path)

    @property
    def names(self) -> list[str]:
        """The terminals' names, sorted."""
        return sorted(p.parent.name for p in self.lab.glob("terminals/*/TouchSettings.xml"))

    def secured(self) -> dict[str, bool]:
        """name -> what the settings file says."""
        return {n: self._element(f"terminals/{n}/TouchSettings.xml", "Customers/Secured") == "True" for n in self.names}

    def server_ssl(self) -> bool:
        """What the server's settings file says."""
        return self._element("server/NetPOSSettings.xml", "General/UseSSL") == "True"

    def _element(self, file: str, path: str) -> str:
        return (ET.fromstring((self.lab / file).read_bytes()).findtext(path) or "").strip()

    def snapshot(self) -> dict[str, Any]:
        """Every settings file's digest, http.sys and the services."""
        files = [*self.lab.glob("terminals/*/TouchSettings.xml"), self.lab / "server" / "NetPOSSettings.xml"]
        digests = {str(f.relative_to(self.lab)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        state = {n: json.loads((self.lab / "server" / n).read_text()) for n in ("httpsys.json", "services.json")}
        for rows in (state["httpsys.json"]["urlacl"], state["httpsys.json"]["sslcert"]):
            rows.sort(key=json.dumps)
        return digests | state

    def last_lookups(self, since: float) -> dict[str, list[dict[str, Any]]]:
        """name -> that terminal's own lookups since then."""
        out = {}
        for name in self.names:
            lines = (self.lab / "terminals" / name / "lookups.jsonl").read_text().splitlines()[-50:]
            rows = [json.loads(line) for line in lines if line.endswith("}")]
            out[name] = [r for r in rows if r["t"] >= since]
        return out

    def all_ok(self, scheme: str) -> bool:
        """Whether each terminal's last two own lookups were answered in this scheme."""
        last = {n: rows[-2:] for n, rows in self.last_lookups(0).items()}
        return all(len(rows) == 2 and all(r["ok"] and r["scheme"] == scheme for r in rows) for rows in last.values())
