"""A settings profile: where on a device "Use SSL" or "Secured", host and port stand, and in which words. The
profiles at the end say what Tillway assumes where no profile is given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from agents.profiles.text import Word
from agents.protocol import Role

Format = Literal["xml", "ini", "json", "registry"]
FORMATS: tuple[Format, ...] = get_args(Format)


class ProfileError(Exception):
    """A profile cannot be used. errors: one line each, the wrong field and what would be right."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Switch:
    """The setting that says whether the device speaks HTTPS. on, off: the words for yes and no, in any case,
    all of one type; the first of each is what is written."""

    at: str
    on: tuple[Word, ...]
    off: tuple[Word, ...]

    def meaning(self, value: Word) -> bool | None:
        """Whether this value says HTTPS; None for one that is none of the words."""
        for words, answer in ((self.on, True), (self.off, False)):
            if any(same_word(value, word) for word in words):
                return answer
        return None


@dataclass(frozen=True, slots=True)
class Profile:
    """switch, port, host, timeout: selectors, in the format's notation. file: the settings file, None where the
    agent's configuration names it; key: the registry key that the selectors start from, for that format only.
    A server's profile has no host; without timeout a till waits as long as Touch does by default; access_code: may
    match nothing, then the device has none."""

    role: Role
    format: Format
    switch: Switch
    port: str
    host: str | None = None
    timeout: str | None = None
    access_code: str | None = None
    file: Path | None = None
    key: str | None = None


def same_word(one: Word, other: Word) -> bool:
    """Whether two values are the same word. 1 is not true, and only ASCII has cases here."""
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
