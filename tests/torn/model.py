"""The machine that a recorded agent works on: its device folder, a NetPOS.Net that answers, netsh and sc. It is
kept in a file, so that it outlives the agent's process as a real machine does."""

import dataclasses
import json
import random
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from agents.config import Config
from agents.files import Files
from agents.hosts.host import Host, ServerHost, TerminalHost
from agents.hosts.program import Output
from agents.lab import settings
from agents.net import Network
from agents.protocol import Role
from tests.ports import free_port

# The agents' tests are no package: they share these by name.
sys.path.append(str(Path(__file__).resolve().parents[1] / "agents"))
import certificates
from fake_windows import FakeWindows, Service

KEPT = "machine.json"

Tree = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Model:
    """folder: everything; device: what the agent writes to. settings, state, journal: paths in it; the settings
    stand in a folder of their own, so that nobody flushes their names by the way."""

    folder: Path
    role: Role

    @property
    def device(self) -> Path:
        return self.folder / "device"

    @property
    def settings(self) -> str:
        return "program/NetPOSSettings.xml" if self.role == "server" else "program/TouchSettings.xml"

    state: ClassVar = "agent"
    journal: ClassVar = "agent/journal"

    @property
    def step(self) -> str:
        """The step that rewrites the settings."""
        return "use_ssl" if self.role == "server" else "secured"

    def host(self, device: Path | None = None) -> Host:
        """The agent's view of the machine, or of a copy of its device folder."""
        here = device or self.device
        config = Config(
            role=self.role, name="Bar-01", gateway="wss://127.0.0.1:1/agent", gateway_ca=self.folder / "ca.pem",
            state=here / self.state, settings=here / self.settings, monitor="Monitor",
            roots=self.folder / "store" / "root.pem", store=self.folder / "store",
        )  # fmt: skip
        return (ServerHost if self.role == "server" else TerminalHost)(config, Network(), Files())


def make(folder: Path, role: Role) -> Model:
    """A device on HTTP. The server's agent finds a state folder that the installer made, the till's does not."""
    model = Model(folder, role)
    settings_file, state = model.device / model.settings, model.device / model.state
    settings_file.parent.mkdir(parents=True)
    port = free_port()
    good, other = certificates.make(folder / "store"), certificates.make(folder / "other")
    for file in (other.pem, other.key):
        shutil.copy(file, folder / "store")
    if role == "server":
        settings_file.write_bytes(settings.netpos(port))
        state.mkdir()
        (state / "enrol.token").write_text("once\n")
    else:
        settings_file.write_bytes(settings.touch(5, "Bar-01", port, random.Random(5)))
    urlacl = [[f"http://+:{port}/", "D:(A;;GX;;;NS)"]]
    kept = {"port": port, "good": good.thumbprint, "other": other.thumbprint, "urlacl": urlacl, "sslcert": [], "services": {}}
    (folder / KEPT).write_text(json.dumps(kept))
    return model


def copy(model: Model, folder: Path, tree: Tree) -> Model:
    """The same machine in another folder, with these files in the place of the agent's."""
    shutil.copytree(model.folder, folder, ignore=shutil.ignore_patterns("device", "*.log", "*.jsonl"))
    copied = Model(folder, model.role)
    write(copied.device, tree)
    return copied


def files(folder: Path) -> Tree:
    """All files below a folder, by their path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def write(folder: Path, tree: Tree) -> None:
    """Make the folder hold exactly these files."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


class Machine(FakeWindows):
    """FakeWindows that is saved after every program that has run."""

    other: str
    kept: Path

    @classmethod
    def load(cls, model: Model) -> "Machine":
        """The machine as the last process has left it."""
        data = json.loads((model.folder / KEPT).read_text())
        store = model.folder / "store"
        pem, key = store / f"{data['good']}.pem", store / f"{data['good']}.key"
        certificate = certificates.Certificate(store / "root.pem", pem, key, data["good"])
        machine = cls(data["port"], model.device / model.settings, certificate, store, data["urlacl"], data["sslcert"])
        machine.services.update({name: Service(**row) for name, row in data["services"].items()})
        machine.other, machine.kept = data["other"], model.folder / KEPT
        return machine

    async def run(self, program: str, *arguments: str) -> Output:
        output = await super().run(program, *arguments)
        services = {name: dataclasses.asdict(service) for name, service in self.services.items()}
        kept = {"port": self.port, "good": self.certificate.thumbprint, "other": self.other}
        self.kept.write_text(json.dumps({**kept, "urlacl": self.urlacl, "sslcert": self.sslcert, "services": services}))
        return output

    async def speak(self, *, tls: bool) -> None:
        """For a till: its server has been switched, or put back, by its own agent."""
        self.urlacl = [[f"http{'s' if tls else ''}://+:{self.port}/", "D:(A;;GX;;;WD)"]]
        self.sslcert = [[f"0.0.0.0:{self.port}", self.certificate.thumbprint, "{x}", "MY"]] if tls else []
        if self.listener:
            self.listener.close()
        await self.listen(tls)
