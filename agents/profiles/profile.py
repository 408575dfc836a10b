"""A settings profile: where on a device "Use SSL" or "Secured", host and port are, and which words they use. The profiles
at the end are the ones that Tillway uses if none is configured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from agents.profiles.restart import NEVER, TouchRestart
from agents.profiles.text import Word
from agents.protocol import Role

Format = Literal["xml", "ini", "json", "registry"]
FORMATS: tuple[Format, ...] = get_args(Format)


class ProfileError(Exception):
    """A profile cannot be used. errors: one line for each wrong field, with what would be right."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Switch:
    """The setting that decides whether the device speaks HTTPS."""

    at: str  # selector
    # The words for yes and no, all of one type. They are compared without case; the first of each is the one that is written.
    on: tuple[Word, ...]
    off: tuple[Word, ...]

    def meaning(self, value: Word) -> bool | None:
        """Whether this value means HTTPS; None if it is not one of the words."""
        for words, answer in ((self.on, True), (self.off, False)):
            if any(same_word(value, word) for word in words):
                return answer
        return None


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the settings of one kind of device are. A selector names one value, in the notation of the format."""

    role: Role
    format: Format
    switch: Switch
    port: str  # selector
    host: str | None = None  # selector; None for a server
    timeout: str | None = None  # selector; None: a terminal waits as long as Touch does by default
    access_code: str | None = None  # selector; if it matches nothing, the device has no access code
    file: Path | None = None  # the settings file; None if the agent's configuration names it
    key: str | None = None  # format registry only: the key below which the selectors are
    restart: TouchRestart = NEVER  # terminals only: whether Touch must be restarted


def same_word(one: Word, other: Word) -> bool:
    """Whether two values are the same word. 1 is not true, and the case is ignored for ASCII letters only."""
    if isinstance(one, str) and isinstance(other, str) and one.isascii():
        return one.lower() == other.lower()
    return type(one) is type(other) and one == other


_CUSTOMERS = "TouchSettings/Customers/"
BUILT_IN: dict[Role, Profile] = {
    "terminal": Profile(
        role="terminal",
        format="xml",
        switch=Switch(_CUSTOMERS + "Secured", ("True",), ("False",)),
        port=_CUSTOMERS + "NetPosPort",
        host=_CUSTOMERS + "NetPosHost",
        timeout=_CUSTOMERS + "TimeoutSeconds",
        access_code=_CUSTOMERS + "AccessCode",
    ),
    "server": Profile(
        role="server",
        format="xml",
        switch=Switch("NetPOSSettings/General/UseSSL", ("True",), ("False",)),
        port="NetPOSSettings/General/Port",
        access_code="NetPOSSettings/General/AccessCode",
    ),
}
