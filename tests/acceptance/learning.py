"""What a person does at a terminal while an agent records, with a demo site's own files and its running terminals."""

from pathlib import Path

from agents.lab.dialects import named
from agents.lab.touch.press import PROFILE, ask, pointed_at
from agents.profiles.reading import Reading
from tests.acceptance.site import DemoSite

__all__ = ["pointed_at", "refresh_interface_list", "settings_of"]


def settings_of(site: DemoSite, terminal: str) -> Path:
    """The settings file of this terminal's Touch."""
    return site.lab / "terminals" / terminal / "TouchSettings.xml"


def refresh_interface_list(site: DemoSite, terminal: str, port: int) -> None:
    """Press Touch's button twice, through the port at which an agent listens."""
    settings = settings_of(site, terminal)
    code = Reading(PROFILE, settings.read_bytes(), settings.name).access_code() or ""
    asked = named.of(site.dialect).interfaces(terminal, code)
    assert ask("127.0.0.1", port, asked, asked) == [200, 200]
