"""Credentials that a terminal sends. None of them is written into a profile or shown; an access code is replaced by its
placeholder, because the agent knows it from the terminal's settings."""

import re
from collections.abc import Collection

MASK = "***"
# Headers that carry a credential, or a session of this one terminal.
SECRET_HEADERS = frozenset(
    ("authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-access-token", "x-csrf-token", "authentication")
)
_CODE = r"access[-_.]?(?:code|key)"
_CREDENTIAL = r"(?:pass(?:word|wd|phrase|code)?|pwd|pin|secret|token|api[-_]?key|credential|session[-_]?id)"
# A value behind its name: <AccessCode>1</AccessCode>, "accessCode": "1", accessCode=1, AccessCode="1".
_AFTER = r"""(?:[^<>]*>|["']?\s*[:=]\s*["']?)"""
_VALUE = r"""([^<>"'&\s,;}]{1,200})"""
_ACCESS_CODE = re.compile(rf"(\b[\w:.-]*{_CODE}{_AFTER}){_VALUE}", re.IGNORECASE)
_OTHERS = re.compile(rf"(\b[\w:.-]*{_CREDENTIAL}\w*{_AFTER}){_VALUE}", re.IGNORECASE)


# Three digits or more: a shorter number says nothing about a person.
_NUMBER = re.compile(r"\d{3,}")
HIDDEN = "…"


def masked(text: str) -> tuple[str, bool, bool]:
    """(the text, whether an access code became its placeholder, whether something else was masked)."""
    coded, codes = _ACCESS_CODE.subn(lambda match: match[1] + "{access_code}", text)
    masked_text, others = _OTHERS.subn(lambda match: match[1] + MASK, coded)
    return masked_text, codes > 0, others > 0


def without_numbers(text: str, known: Collection[str]) -> str:
    """The text as it may leave the device: numbers that could be somebody's member number are replaced. known: numbers that
    are no secret, such as that of the test member."""
    return _NUMBER.sub(lambda match: match[0] if match[0] in known else HIDDEN, text)


def is_access_code(header: str) -> bool:
    """Whether a header of this name carries the access code."""
    return re.fullmatch(rf"(?:x-)?[\w-]*{_CODE}", header, re.IGNORECASE) is not None


def is_secret(header: str) -> bool:
    """Whether a header of this name carries a credential, which is left out."""
    return header.lower() in SECRET_HEADERS or re.search(_CREDENTIAL, header, re.IGNORECASE) is not None
