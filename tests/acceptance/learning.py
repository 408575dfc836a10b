"""What a person does at a terminal while an agent records, with a demo site's own files and its running terminals."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.lab.dialects import named
from agents.profiles.profile import BUILT_IN
from agents.profiles.reading import Reading
from agents.storage import atomic
from tests.acceptance.site import DemoSite

PROFILE = BUILT_IN["terminal"]


def settings_of(site: DemoSite, terminal: str) -> Path:
    """The settings file of this terminal's Touch."""
    return site.lab / "terminals" / terminal / "TouchSettings.xml"


@contextmanager
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


def refresh_interface_list(site: DemoSite, terminal: str, port: int) -> None:
    """Press Touch's button twice, through the port at which an agent listens."""
    settings = settings_of(site, terminal)
    code = Reading(PROFILE, settings.read_bytes(), settings.name).access_code() or ""
    asked = named.of(site.dialect).interfaces(terminal, code)
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
            assert connection.getresponse().status == 200
        finally:
            connection.close()
