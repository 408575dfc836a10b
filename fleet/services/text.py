"""Checks text that people enter before it is stored, and makes random text for them."""

import secrets
import string
import unicodedata

NAMED = 5  # how many a sentence names one by one before it says "and 3 more"
_CONTROL, _SURROGATE, _LINE, _PARAGRAPH = "Cc", "Cs", "Zl", "Zp"
# With these, a name can look like another one: a right-to-left override shows exe.tac as cat.exe.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def why_not(text: str, *, longest: int, lines: bool = False) -> str | None:
    """Why this text cannot be stored, or None if it can. longest: characters; lines: whether line breaks and tabs are
    allowed."""
    if len(text) > longest:
        return f"must be at most {longest} characters"
    allowed = "\n\r\t" if lines else ""
    for character in text:
        if character in allowed:
            continue
        if character in _BIDI:
            return f"must not contain direction controls (U+{ord(character):04X})"
        kind = unicodedata.category(character)
        if kind == _SURROGATE:
            return "is not valid text: it contains half of a surrogate pair"
        if kind in (_CONTROL, _LINE, _PARAGRAPH):
            return f"must not contain control characters (U+{ord(character):04X})"
    return None


def letters_and_digits(length: int) -> str:
    """Random letters and digits. They can be copied into a file, a shell or a spreadsheet, because none of them has a
    special meaning there."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
