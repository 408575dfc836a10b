"""`python -m tests.faults planted [--only NAME]`: checks whether the tests notice the bugs that they are written for."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tests.planted.bug import Bug
from tests.planted.bugs import BUGS

HELP = "Plant each bug of tests/planted/bugs.py in a scratch copy and run the tests that must notice it."
ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 180  # for one run of pytest
NEEDED = 0.95  # the share of bugs that must be found
FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest."""

    code: int | None  # its exit code, which is 1 if tests failed; None: it did not end in time
    output: str
    seconds: float

    @property
    def failed(self) -> str:
        """The first test that failed, or why there is none."""
        if self.code != 1:
            return f"no end in {LIMIT_S} s" if self.code is None else f"nobody (pytest ended with {self.code})"
        match = FAILED.search(self.output)
        return match[1] if match else "?"


def arguments(parser: argparse.ArgumentParser) -> None:
    """One bug can be chosen, or several."""
    parser.add_argument("--only", action="append", metavar="NAME", choices=[bug.name for bug in BUGS], help="this bug")


def run(options: argparse.Namespace) -> int:
    """The exit code: 1 if fewer than 95 % are found, 2 if the tests are not green without a bug."""
    bugs = [bug for bug in BUGS if not options.only or bug.name in options.only]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillway-planted-") as folder:
        tree = Path(folder) / "as-it-is"  # the work tree may change meanwhile
        _copy(ROOT, tree)
        good = _pytest(tree, sorted({test for bug in bugs for test in bug.tests}), Path(folder) / "data")
        if good.code != 0:
            print(f"the tests are not green without a bug, so nothing would be proven:\n{good.output[-4000:]}")
            return 2
        print(f"without a bug the tests are green ({good.seconds:.0f} s)")
        found = _try_all(tree, bugs)
    print(f"\n{found} of {len(bugs)} found, {time.monotonic() - begun:.0f} s")
    return 0 if found >= NEEDED * len(bugs) else 1


def _try_all(tree: Path, bugs: Sequence[Bug]) -> int:
    """Try all bugs. Returns how many were found."""
    found = 0
    with tqdm(bugs, unit="bug", disable=None) as bar:
        for bug in bar:
            run = _try(tree, bug)
            found += run.code == 1
            bar.write(f"{'found ' if run.code == 1 else 'MISSED'} {bug.name:<32} {run.seconds:5.1f} s  {run.failed}")
    return found


def _try(tree: Path, bug: Bug) -> Run:
    """Run its tests in a copy of the tree, with this bug in it."""
    with tempfile.TemporaryDirectory(prefix="copy-", dir=tree.parent) as folder:
        root = Path(folder) / "tree"
        shutil.copytree(tree, root)  # with the bytecode of the first run, which makes it fast
        bug.plant(root)
        return _pytest(root, bug.tests, Path(folder) / "data")


def _copy(tree: Path, to: Path) -> None:
    """Copy the files that git knows or would add, as they are now, so without the virtual environment and data."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=tree, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (tree / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, to / name)


def _pytest(root: Path, tests: Sequence[str], data: Path) -> Run:
    """Run these tests of the tree `root`, with a new folder for the dashboard's data."""
    data.mkdir()
    environment = os.environ | {"PYTHONPATH": str(root), "TILLWAY_DATA": str(data)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--color=no", *tests]
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, errors="replace", timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return Run(None, "", time.monotonic() - begun)
    return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - begun)
