"""What a person does at a terminal while an agent records, with a demo site's own files and its running terminals."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.profiles.profile import BUILT_IN
from agents.profiles.reading import Reading
from agents.storage import atomic


@contextmanager
def pointed_at(settings: Path, host: str, port: int) -> Iterator[None]:
    """Touch's two fields have these values meanwhile; afterwards the file has its own bytes again."""
    before, profile = settings.read_bytes(), BUILT_IN["terminal"]
    assert profile.host is not None
    named = Reading(profile, before, settings.name).replaced(profile.host, host)
    atomic.replace(settings, Reading(profile, named, settings.name).replaced(profile.port, str(port)))
    try:
        yield
    finally:
        atomic.replace(settings, before)


def refresh_interface_list(port: int, terminal: str) -> int:
    """Press Touch's button, through the port that an agent listens on; the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/netpos/interfaces", headers={"X-Terminal": terminal})
        return connection.getresponse().status
    finally:
        connection.close()
