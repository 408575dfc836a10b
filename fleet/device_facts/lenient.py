"""Reading one field of JSON that an agent sent. A value of another type, too long or out of range becomes None or is cut;
nothing here raises."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

_LARGEST = 2**53  # beyond it a JSON number is not exact


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any, most: int) -> list[Mapping[str, Any]] | None:
    """The objects among the first `most` entries of a list; None when the value is not a list."""
    return [row for row in value[:most] if isinstance(row, dict)] if isinstance(value, list) else None


def text(value: Any, longest: int = 300) -> str | None:
    """One line of text, cut to `longest` characters. Characters that control a terminal or change the direction of
    writing are replaced."""
    if not isinstance(value, str):
        return None
    cut = value if len(value) <= longest else f"{value[: longest - 1]}…"
    return cut if cut.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in cut)


def exact(value: Any, longest: int = 300) -> str | None:
    """Text as it was sent, for comparing only, not for showing; None when it is longer than `longest` characters."""
    return value if isinstance(value, str) and len(value) <= longest else None


def texts(value: Any, most: int, longest: int = 300) -> tuple[str, ...] | None:
    """The texts among the first `most` entries of a list; None when the value is not a list."""
    if not isinstance(value, list):
        return None
    return tuple(line for entry in value[:most] if (line := text(entry, longest)) is not None)


def pems(value: Any, most: int, longest: int = 16_384) -> tuple[str, ...] | None:
    """The PEM texts among the first `most` entries of a list, uncut: one that is longer than `longest` characters is left
    out. None when the value is not a list."""
    if not isinstance(value, list):
        return None
    return tuple(entry for entry in value[:most] if isinstance(entry, str) and len(entry) <= longest)


def whole(value: Any, low: int = -_LARGEST, high: int = _LARGEST) -> int | None:
    """A whole number from `low` to `high`, both included. A boolean is not a number here."""
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def number(value: Any, low: float = 0.0, high: float = 1e12) -> float | None:
    """A finite number from `low` to `high`, both included. A boolean is not a number here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) and low <= made <= high else None


def numbers(value: Any, most: int) -> tuple[float, ...]:
    """The numbers among the first `most` entries of a list; empty when the value is not a list."""
    return tuple(made for entry in value[:most] if (made := number(entry)) is not None) if isinstance(value, list) else ()


def flag(value: Any) -> bool | None:
    """True or False; None for anything else, also for 0 and 1."""
    return value if isinstance(value, bool) else None


def moment(value: Any) -> dt.datetime | None:
    """An ISO 8601 time, converted to UTC. A time without an offset is read as UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        read = dt.datetime.fromisoformat(value)
        return read.replace(tzinfo=read.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
