"""Finds the value in a line that netsh prints, also if the line is broken at the console's width. Pure functions."""

import re
from collections.abc import Callable

# Direction marks, joiners and a byte-order mark: copying a thumbprint from a dialog copies them, too.
INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0xAD])
# The last colon that is followed by a blank separates label and value; a full-width colon needs no blank.
_PART = re.compile(r":[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\xad]*\s|\uff1a")
# Except before a prefix, whose path may contain such a colon.
_BEFORE_URL = re.compile(rf"(?:{_PART.pattern})\s*(?=https?://)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")  # no others: a path may contain characters that Unicode regards as line ends
_AROUND = "".join(map(chr, INVISIBLE)) + " \t\r\n\v\f\u00a0\u202f"
NARROWEST = 60  # no console is narrower


def lines_of(text: str) -> list[str]:
    """The lines, with any kind of line end."""
    return _LINE_END.split(text)


def clean(text: str) -> str:
    """The text without invisible characters, and with plain blanks."""
    return text.translate(INVISIBLE).replace("\u00a0", " ").replace("\u202f", " ")


def value_of(line: str) -> str | None:
    """The text after the label; None if there is none."""
    start = _start(line)
    return None if start is None else stripped(line[start:])


def _start(line: str) -> int | None:
    """The index at which the line's value begins; None if it has none."""
    if match := _BEFORE_URL.search(line):
        return match.end()
    line = line.rstrip(_AROUND)
    found = [match.end() for match in _PART.finditer(f"{line} " if line.endswith(":") else line)]
    return found[-1] if found else None


def stripped(text: str) -> str:
    """The text without blanks and invisible characters at both ends."""
    return text.strip(_AROUND)


def whole_value(lines: list[str], number: int, wanted: Callable[[str], bool], longest: int) -> tuple[str | None, bool]:
    """The value of this line, joined with the following lines if that makes a wanted value; and whether it was joined. The
    longest wanted value counts, because an address, a path or an access list that is cut off may look complete."""
    line = lines[number]
    value = value_of(line)
    if value is None or (value and len(line) < NARROWEST):
        return value, False
    ends = [len(line)]
    for more in lines[number + 1 : number + 1 + longest // NARROWEST]:
        if not more.strip() or ends[-1] - ends[0] + len(more) > longest or value_of(more) is not None:
            break
        ends.append(ends[-1] + len(more))
    whole = "".join(lines[number : number + len(ends)])
    # The break may be inside the value, or between "http:" and "//", which then looks like a label.
    starts = [start for start in dict.fromkeys((_start(whole), _start(line))) if start is not None]
    for end in reversed(ends[1:]):
        for start in starts:
            if wanted(joined := stripped(whole[start:end])):
                return joined, True
    return value, False
