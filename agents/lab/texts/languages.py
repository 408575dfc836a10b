"""The language and form of the output of a site's netsh and sc, from `language` in server/lab.json: a table of texts, with
`-wrapped` for lines broken at a console's width, and `-oem` for the code page in which Windows writes redirected output."""

import importlib
from collections.abc import Callable

from agents.lab import machine

Say = Callable[[str], str]

DEFAULT = "english"
WIDTH = 80
# Windows' OEM code page for each language. The made-up one has none, and comes out as question marks.
_CODE_PAGES = {"english": "cp437", "german": "cp850", "italian": "cp850", "portuguese": "cp850", "made-up": "cp437"}
_DRESSES = ("", "-wrapped", "-oem", "-wrapped-oem")
_KNOWN = {f"{table}{dress}": (table, dress) for table in _CODE_PAGES for dress in _DRESSES}
NAMES = tuple(_KNOWN)


class Language:
    """One of NAMES. Raises ValueError for another name."""

    def __init__(self, name: str) -> None:
        if name not in _KNOWN:
            raise ValueError(f"{name!r} is not a language of the lab; choose one of {', '.join(NAMES)}")
        table, dress = _KNOWN[name]
        self.say = _say(table)
        self._width = WIDTH if "wrapped" in dress else 0
        self._code_page = _CODE_PAGES[table] if "oem" in dress else "utf-8"

    def printed(self, text: str) -> bytes:
        """The program's output. A character that the code page lacks becomes a question mark, as on Windows."""
        return (wrapped(text, self._width) if self._width else text).encode(self._code_page, errors="replace")


def of(server: str) -> Language:
    """The language of this server machine."""
    return Language(machine.read(server, machine.OPTIONS, {}).get("language", DEFAULT))


def wrapped(text: str, width: int) -> str:
    """The text as a console breaks it: exactly at the width, without indentation."""
    return "\n".join(
        "\n".join(line[place : place + width] for place in range(0, len(line), width)) for line in text.split("\n")
    )


def _say(table: str) -> Say:
    if table == DEFAULT:
        return str
    module = importlib.import_module(f"agents.lab.texts.{table.replace('-', '_')}")
    if table == "made-up":
        word: Say = module.word
        return word
    texts: dict[str, str] = module.TEXTS
    return lambda english: texts.get(english, english)
