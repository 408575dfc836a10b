"""Text that people type and we keep: what is refused before it reaches a table; and text that we make for them."""

import secrets
import string
import unicodedata

NAMED = 5  # how many a sentence names one by one before it says "and 3 more"
_CONTROL, _SURROGATE, _LINE, _PARAGRAPH = "Cc", "Cs", "Zl", "Zp"
# They make a name read as another one (a right-to-left override shows exe.tac as cat.exe).
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def why_not(text: str, *, longest: int, lines: bool = False) -> str | None:
    """Why this text cannot be kept, or None when it can. lines: line breaks and tabs are fine."""
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
            return "is not text: it contains half of a surrogate pair"
        if kind in (_CONTROL, _LINE, _PARAGRAPH):
            return f"must not contain control characters (U+{ord(character):04X})"
    return None


def letters_and_digits(length: int) -> str:
    """Random, for what is copied by hand, put into a file or a cell: nothing in it is a sign of a shell or of a formula."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
