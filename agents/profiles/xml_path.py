"""Selectors of XML settings, in a small part of XPath's own notation: element names from the root down, each with at
most one attribute that tells it from its namesakes, and at the end an attribute if not the element's text is meant:
`configuration/appSettings/add[@key="UseSSL"]/@value`."""

import re
from dataclasses import dataclass

_NAME = r"[^\s/@=\[\]\"'<>&]+"
_PART = rf"{_NAME}(?:\[@{_NAME}=(?:\"[^\"<&]*\"|'[^'<&]*')\])?"
PATTERN = rf"({_PART}(?:/{_PART})*)(?:/@({_NAME}))?"
_SPLIT = re.compile(rf"(?P<name>{_NAME})(?:\[@(?P<by>{_NAME})=(?P<quoted>\"[^\"<&]*\"|'[^'<&]*')\])?(?:/|$)")


@dataclass(frozen=True, slots=True)
class Part:
    """One element. by: the attribute that must have this value, None where the name alone counts."""

    name: str
    by: str | None
    value: str | None

    def matches(self, name: str, attributes: dict[str, str]) -> bool:
        """Whether an element of this name with these attributes is meant."""
        return name == self.name and (self.by is None or attributes.get(self.by) == self.value)


@dataclass(frozen=True, slots=True)
class Path:
    """parts: from the root down; attribute: of the last one, None where its text is meant."""

    parts: tuple[Part, ...]
    attribute: str | None


def parse(selector: str) -> Path:
    """What this selector means. Raises ValueError where it does not match PATTERN."""
    match = re.fullmatch(PATTERN, selector)
    if match is None:
        raise ValueError(f"{selector!r} is not a selector for XML")
    parts = [Part(one["name"], one["by"], one["quoted"][1:-1] if one["quoted"] else None) for one in _SPLIT.finditer(match[1])]
    return Path(tuple(parts), match[2])
