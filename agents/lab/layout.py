"""The places of all files of a lab, and the names that its parts share."""

import json
from dataclasses import dataclass
from pathlib import Path

MEMBERS = range(1001, 1041)
SERVICE, MONITOR = "NetPOSNet", "SwiftPOSServicesMonitor"
LAYOUT = "lab.json"
ACCESS_LOG = "access.jsonl"  # in the server's folder


@dataclass(frozen=True)
class LabLayout:
    """The places of all files of a lab. ca_file is the root of the server's certificate."""

    root: Path
    names: tuple[str, ...]  # of the terminals
    member: int  # a member number that the server answers with 200
    netpos_host: str
    port: int
    thumbprint: str  # the certificate that can be bound
    dialect: str = "rest"  # what server and terminals speak: one of dialects/dialect.NAMES

    @property
    def server_dir(self) -> Path:
        return self.root / "server"

    @property
    def server_name(self) -> str:
        """The server's own name as a device."""
        return "NetPOS"

    @property
    def ca_file(self) -> Path:
        return self.server_dir / "root.pem"

    @property
    def server_agent_config(self) -> Path:
        return self.server_dir / "agent.toml"

    def terminal_dir(self, name: str) -> Path:
        return self.root / "terminals" / name

    def agent_config(self, name: str) -> Path:
        return self.terminal_dir(name) / "agent.toml"


def load(folder: Path) -> LabLayout:
    """The layout of a lab that was built before. Raises OSError if there is none."""
    said = json.loads((folder / LAYOUT).read_text(encoding="utf-8"))
    said["names"] = tuple(said["names"])
    return LabLayout(root=folder.resolve(), **said)
