"""A demo site whose server and two of whose three tills are on Windows: Python for Windows under Wine runs their
agents, see demo.py."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.acceptance.site import DemoSite
from tests.windows.wine import Windows

HERE = Path(__file__).parent


class WindowsSite(DemoSite):
    """windows: where its agents run; by_file, by_windows, other: its tills, by whose roots they trust; the last one is
    on Linux."""

    program = HERE / "demo.py"

    def __init__(self, windows: Windows) -> None:
        super().__init__(3)
        self.windows = windows

    def start(self) -> None:
        super().start()
        self.by_file, self.by_windows, self.other = self.names

    @contextlib.contextmanager
    def root_installed(self) -> Iterator[None]:
        """As an administrator would install it, in the machine's store; taken away again at the end."""
        root = {"store": "ROOT", "of": "machine", "pem": Windows.path(self.lab / "server" / "root.pem")}
        importer, what = Windows.path(HERE / "imports.py"), json.dumps([root])
        self.windows.run(importer, "put", what)
        try:
            yield
        finally:
            self.windows.run(importer, "remove", what)

    def facts_of(self, name: str) -> dict[str, Any]:
        """What this device has told about itself, from the demo's own database."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'tillway.sqlite3'}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT facts FROM fleet_device WHERE name = ?", (name,)).fetchone()
        facts: dict[str, Any] = json.loads(found[0])
        return facts

    def rehearse(self) -> dict[str, tuple[str | None, str | None]]:
        """Till -> why it is not ready, None for one that is; the TLS version that was agreed on, if one was."""
        number = self.client.post(f"/sites/{self.facts['site']}/rehearsals")["id"]

        def ended() -> dict[str, Any] | None:
            now = self.client.get(f"/rehearsals/{number}")
            return now if now["state"] in ("done", "failed") else None

        rehearsal = self.wait(ended, 120, "the rehearsal to end")
        assert rehearsal["state"] == "done", rehearsal
        return {seat["device"]: (seat["finding"] and seat["finding"]["code"], seat["tls"]) for seat in rehearsal["seats"]}
