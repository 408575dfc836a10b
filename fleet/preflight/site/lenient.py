"""Reading what devices say: whatever is of another type, too long or out of range becomes None or is cut, and nothing
is ever raised."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

_LARGEST = 2**53  # beyond it a JSON number is not exact


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any, most: int) -> list[Mapping[str, Any]] | None:
    """The objects in a list, at most `most`; None when it is no list."""
    return [row for row in value[:most] if isinstance(row, dict)] if isinstance(value, list) else None


def text(value: Any, longest: int = 300) -> str | None:
    """One line of text, cut to `longest`; what controls a terminal or turns the direction of writing is replaced."""
    if not isinstance(value, str):
        return None
    cut = value if len(value) <= longest else f"{value[: longest - 1]}…"
    return cut if cut.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in cut)


def texts(value: Any, most: int, longest: int = 300) -> tuple[str, ...] | None:
    """The texts in a list, at most `most`; None when it is no list."""
    if not isinstance(value, list):
        return None
    return tuple(line for entry in value[:most] if (line := text(entry, longest)) is not None)


def pems(value: Any, most: int, longest: int = 16_384) -> tuple[str, ...] | None:
    """PEM texts, whole or not at all; None when it is no list."""
    if not isinstance(value, list):
        return None
    return tuple(entry for entry in value[:most] if isinstance(entry, str) and len(entry) <= longest)


def whole(value: Any, low: int = -_LARGEST, high: int = _LARGEST) -> int | None:
    """A whole number in this range. A boolean is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def number(value: Any, low: float = 0.0, high: float = 1e12) -> float | None:
    """A finite number in this range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) and low <= made <= high else None


def flag(value: Any) -> bool | None:
    """True or False and nothing that only looks like it."""
    return value if isinstance(value, bool) else None


def moment(value: Any) -> dt.datetime | None:
    """An ISO time as UTC; without an offset it is taken for UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        read = dt.datetime.fromisoformat(value)
        return read.replace(tzinfo=read.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
