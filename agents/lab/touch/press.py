"""What a person does at a terminal of the lab while an agent or a relay listens: enter its host and port, press Refresh
Interface List twice, look two members up, and put host and port back.

    python -m agents.lab.touch.press --dir LAB --terminal NAME --through HOST:PORT
"""

import argparse
import contextlib
import http.client
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from agents.lab.dialects import named
from agents.lab.dialects.dialect import Asked
from agents.lab.layout import MEMBERS, load
from agents.profiles.profile import BUILT_IN
from agents.profiles.reading import Reading
from agents.storage import atomic

PROFILE = BUILT_IN["terminal"]
LIMIT_S = 10.0  # for one answer


@contextlib.contextmanager
def pointed_at(settings: Path, host: str, port: int) -> Iterator[None]:
    """Touch's two fields have these values meanwhile; afterwards the file has its own bytes again."""
    before = settings.read_bytes()
    assert PROFILE.host is not None
    changed = Reading(PROFILE, before, settings.name).replaced(PROFILE.host, host)
    atomic.replace(settings, Reading(PROFILE, changed, settings.name).replaced(PROFILE.port, str(port)))
    try:
        yield
    finally:
        atomic.replace(settings, before)


def ask(host: str, port: int, *asked: Asked) -> list[int]:
    """Make these requests, each over a connection of its own. Returns the statuses. Raises OSError, HTTPException."""
    statuses = []
    for one in asked:
        with contextlib.closing(http.client.HTTPConnection(host, port, timeout=LIMIT_S)) as connection:
            connection.request(one.method, one.path, one.body or None, dict(one.headers))
            statuses.append(connection.getresponse().status)
    return statuses


def run(lab: Path, terminal: str, host: str, port: int, seconds: float) -> int:
    """Do all of it. seconds: how long host and port stay entered. Returns the exit code."""
    dialect = named.of(load(lab).dialect)
    settings = lab / "terminals" / terminal / "TouchSettings.xml"
    code = Reading(PROFILE, settings.read_bytes(), settings.name).access_code() or ""
    listing = dialect.interfaces(terminal, code)
    lookups = (dialect.lookup(member, terminal, code) for member in MEMBERS[:2])
    with pointed_at(settings, host, port):
        statuses = ask(host, port, listing, listing, *lookups)
        time.sleep(seconds)
    sys.stdout.write(f"{terminal}: asked {host}:{port} four times, the responses were {statuses}; host and port are back\n")
    return 0 if set(statuses) == {200} else 1


def main() -> int:
    """The program's entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description="Press a lab terminal's buttons.")
    parser.add_argument("--dir", type=lambda text: Path(text).resolve(), required=True, help="the lab folder")
    parser.add_argument("--terminal", required=True, help="its name")
    parser.add_argument("--through", required=True, metavar="HOST:PORT", help="what is entered into Touch meanwhile")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long it stays entered afterwards (default 1)")
    options = parser.parse_args()
    host, _, port = options.through.rpartition(":")
    if not host or not port.isdigit():
        parser.error("--through: write HOST:PORT, such as 127.0.0.1:10199")
    if options.terminal not in load(options.dir).names:
        parser.error(f"--terminal: this lab has no {options.terminal!r}; it has {', '.join(load(options.dir).names)}")
    try:
        return run(options.dir, options.terminal, host, int(port), options.seconds)
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{options.through}: {error}. Does a relay listen there?\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
