"""Local times of a site. A `datetime-local` field sends a time without a zone. Twice a year such a time does not exist, or
occurs twice."""

import datetime as dt
from typing import Literal

Which = Literal["", "first", "second"]


class LocalTimeError(ValueError):
    """This local time does not exist or is ambiguous; the text says why and what to choose."""

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


def to_utc(local: dt.datetime, zone: dt.tzinfo, which: Which = "") -> dt.datetime:
    """The UTC time of this naive local time. which: which one, where the clocks show it twice. Raises LocalTimeError where the
    clocks skip it, or show it twice and `which` is empty."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(dt.UTC)
    if first.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != local:
        # In a gap fold 0 counts with the offset before it: read back, it lands after the gap.
        after = first.astimezone(dt.UTC).astimezone(zone)
        raise LocalTimeError(
            f"{local:%H:%M} does not exist on {local:%d %B %Y} in {zone}: the clocks go forward. "
            f"Choose {after:%H:%M} or a time before the change."
        )
    if not which:
        raise LocalTimeError(
            f"{local:%H:%M} occurs twice on {local:%d %B %Y} in {zone}: the clocks go back. "
            f"Choose the first ({_offset(first)}) or the second ({_offset(second)}).",
            ambiguous=True,
        )
    return (second if which == "second" else first).astimezone(dt.UTC)


def _offset(at: dt.datetime) -> str:
    return f"{at.tzname()}, UTC{at:%z}"
