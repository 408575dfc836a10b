"""One lab is built for the whole folder; every test gets a copy of its own on a free port."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.lab.build import LabLayout, build, load
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = "{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}"
LIMIT_S = 15.0
TEMPLATE_PORT = 10101


def await_that(condition: Callable[[], Any], what: str) -> Any:
    """Poll until the condition is true; its value. Fails when that takes too long."""
    end = time.monotonic() + LIMIT_S
    while not (value := condition()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)
    return value


def rows(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSON lines file."""
    raw = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in raw[: raw.rfind(b"\n") + 1].splitlines()]


class Lab:
    """A lab's folder, its programs, and the processes that a test has started."""

    def __init__(self, layout: LabLayout) -> None:
        self.layout, self.port = layout, layout.port
        self.server = layout.server_dir
        self.children: list[subprocess.Popen[bytes]] = []

    def run(self, program: str, *arguments: str) -> tuple[int, str]:
        """netsh or sc: exit code and output."""
        command = [str(self.server / "bin" / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def netsh(self, *arguments: str) -> tuple[int, str]:
        return self.run("netsh", "http", *arguments)

    def json(self, name: str) -> Any:
        return json.loads((self.server / name).read_bytes())

    def state(self, name: str = "NetPOSNet") -> str:
        """The word that sc query would show behind STATE (test_sc looks at the program itself)."""
        way = self.json("pending.json").get(name) if (self.server / "pending.json").exists() else None
        row = next(row for row in self.json("services.json")["services"] if row["name"] == name)
        return {2: "START_PENDING", 3: "STOP_PENDING"}[way["state"]] if way else str(row["state"]).upper()

    def start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """One of the lab's processes; it is ended with the test."""
        command = [sys.executable, "-m", f"agents.lab.{module}", "--dir", str(self.layout.root), *arguments]
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def end(self) -> None:
        """Whatever was started."""
        for child in self.children:
            child.kill()
            child.wait()

    def netpos(self) -> subprocess.Popen[bytes]:
        """The reference server, once its service is up or has given up."""
        child = self.start("netpos")
        before = len(self.access())
        await_that(
            lambda: self.settled() and (len(self.access()) > before or self.state() == "STOPPED"), "the server has booted"
        )
        return child

    def settled(self) -> bool:
        return (self.server / "pending.json").exists() and not self.json("pending.json")

    def sc(self, verb: str, name: str = "NetPOSNet") -> str:
        """Stop or start and wait for the state that comes of it."""
        code, text = self.run("sc", verb, name)
        assert code == 0, text
        await_that(lambda: self.state(name) in ("STOPPED", "RUNNING"), f"{name} has arrived")
        return self.state(name)

    def access(self) -> list[dict[str, Any]]:
        return rows(self.server / "access.jsonl")

    def use_ssl(self, on: bool) -> None:
        path = self.server / "NetPOSSettings.xml"
        old, new = (b"False", b"True") if on else (b"True", b"False")
        path.write_bytes(path.read_bytes().replace(b"<UseSSL>" + old, b"<UseSSL>" + new))

    def reserve(self, scheme: str) -> None:
        """Only this scheme's URL is reserved on the port."""
        other = "http" if scheme == "https" else "https"
        self.netsh("delete", "urlacl", f"url={other}://+:{self.port}/")
        self.netsh("add", "urlacl", f"url={scheme}://+:{self.port}/", "sddl=D:(A;;GX;;;WD)")

    def bind(self) -> tuple[int, str]:
        endpoint = f"ipport=0.0.0.0:{self.port}"
        certhash = f"certhash={self.layout.thumbprint}"
        return self.netsh("add", "sslcert", endpoint, certhash, f"appid={OURS}", "certstorename=MY")

    def to_https(self) -> str:
        """What a cutover does to the server."""
        assert self.state("SwiftPOSServicesMonitor") == "STOPPED" or self.sc("stop", "SwiftPOSServicesMonitor") == "STOPPED"
        if self.state() == "RUNNING":
            self.sc("stop")
        self.reserve("https")
        self.bind()
        self.use_ssl(True)
        return self.sc("start")

    def faults(self, value: Any) -> None:
        path = self.layout.root / "faults.json"
        if value is None:
            path.unlink(missing_ok=True)
            return
        path.with_suffix(".new").write_text(json.dumps(value))
        os.replace(path.with_suffix(".new"), path)

    def secured(self, name: str, on: bool) -> None:
        """Flip a terminal, atomically as its agent would."""
        path = self.layout.terminal_dir(name) / "TouchSettings.xml"
        data = path.read_bytes()
        begin = data.index(b"<Secured>", data.index(b"</NetPosPort>"))
        end = data.index(b"</Secured>", begin)
        path.with_suffix(".new").write_bytes(data[:begin] + b"<Secured>" + str(on).encode() + data[end:])
        os.replace(path.with_suffix(".new"), path)

    def lookups(self, name: str) -> list[dict[str, Any]]:
        return rows(self.layout.terminal_dir(name) / "lookups.jsonl")

    def await_lookup(self, name: str, what: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first lookup of this kind that is made from now on."""
        seen = len(self.lookups(name))
        found = await_that(lambda: next((row for row in self.lookups(name)[seen:] if wanted(row)), None), f"{name} {what}")
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "template"
    build(folder, terminals=3, seed=7, port=TEMPLATE_PORT, gateway="wss://localhost:1/agent", gateway_ca=folder / "no-ca.pem")
    return folder


@pytest.fixture
def lab(template: Path, tmp_path: Path) -> Iterator[Lab]:
    with copied(template, tmp_path / "lab") as made:
        yield made


@pytest.fixture(scope="module")
def plain_lab(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that a module's tests share, with its server on HTTP; each leaves it as it was."""
    with copied(template, tmp_path_factory.mktemp("plain") / "lab") as made:
        made.netpos()
        yield made


@pytest.fixture(scope="module")
def secure_lab(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The same on HTTPS."""
    with copied(template, tmp_path_factory.mktemp("secure") / "lab") as made:
        made.reserve("https")
        made.bind()
        made.use_ssl(True)
        for name in made.layout.names:
            made.secured(name, True)
        made.netpos()
        yield made


def find_programs(monkeypatch: pytest.MonkeyPatch, lab: LabLayout) -> None:
    """From now on the agents of this process run this lab's netsh and sc."""
    monkeypatch.setenv("PATH", f"{lab.server_dir / 'bin'}{os.pathsep}{os.environ['PATH']}")


@contextlib.contextmanager
def copied(template: Path, folder: Path) -> Iterator[Lab]:
    """A copy of the template on a port of its own; what was started in it is ended."""
    shutil.copytree(template, folder)
    port = free_port()
    for path in (*folder.glob("terminals/*/TouchSettings.xml"), *folder.glob("server/*.xml"), *folder.glob("**/*.json")):
        path.write_bytes(path.read_bytes().replace(str(TEMPLATE_PORT).encode(), str(port).encode()))
    made = Lab(load(folder))
    yield made
    made.end()
