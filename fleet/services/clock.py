"""The one place where the dashboard reads the clock."""

import datetime as dt

from django.utils import timezone


def now() -> dt.datetime:
    """The current time, aware, in UTC."""
    return timezone.now()


def to_ms(at: dt.datetime) -> int:
    """Whole milliseconds since the epoch."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> dt.datetime:
    """The aware UTC time of these milliseconds since the epoch. Raises ValueError outside the calendar."""
    try:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{ms} ms is no time") from error
