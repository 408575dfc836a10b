"""Wall-clock times of a site: what `datetime-local` sends is a moment only together with the zone, and
twice a year it is no moment at all, or two."""

import datetime as dt
from typing import Literal

Which = Literal["", "first", "second"]


class LocalTimeError(ValueError):
    """Such a local time cannot be taken as it is; the text says why and what to choose."""

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


def to_utc(local: dt.datetime, zone: dt.tzinfo, which: Which = "") -> dt.datetime:
    """The moment of this naive local time. Raises LocalTimeError where clocks skip it, and where they
    show it twice and nobody said which is meant."""
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
