"""Where the dashboard reads the date and time. Tests replace now().

The only others that read it are defaults of columns in fleet/models (they lie below the services) and the commands in
fleet/management, which run by themselves. Durations inside one process come from time.monotonic instead, because the
date and time may be set back. tests/services/test_clock.py holds this."""

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
