"""Where everything of a lab is, and the names that its parts share."""

import json
from dataclasses import dataclass
from pathlib import Path

MEMBERS = range(1001, 1041)
SERVICE, MONITOR = "NetPOSNet", "SwiftPOSServicesMonitor"
LAYOUT = "lab.json"
ACCESS_LOG = "access.jsonl"  # in the server's folder


@dataclass(frozen=True)
class LabLayout:
    """Where everything of a lab is. member: a number that the server answers with 200; ca_file: the root that
    signs the server's certificate; thumbprint: the certificate that can be bound."""

    root: Path
    names: tuple[str, ...]
    member: int
    netpos_host: str
    port: int
    thumbprint: str

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
    """The layout of a lab that was built before. Raises OSError where there is none."""
    said = json.loads((folder / LAYOUT).read_text(encoding="utf-8"))
    said["names"] = tuple(said["names"])
    return LabLayout(root=folder.resolve(), **said)
