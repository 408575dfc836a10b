"""A validator's line about a probe profile, taken apart: where the mistake is, and what would be right."""

import re
from collections.abc import Iterable

# A place inside the profile: names with dots, such as member.headers.X-Terminal.
_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,250}): (.+)", re.DOTALL)


def split(line: str) -> tuple[str, str]:
    """(place inside the profile, "" for the whole of it; what is wrong)."""
    match = _LINE.fullmatch(line)
    return (match[1], match[2]) if match else ("", line)


def named(field: str, errors: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The errors of a service with the place put into the field: ("probe", "member.path: …") -> (field + ".member.path",
    …). Those of other fields stay as they are."""
    found = []
    for name, line in errors:
        place, message = split(line) if name == "probe" else ("", line)
        found.append((field if name == "probe" else name, message) if not place else (f"{field}.{place}", message))
    return found
