"""The maintenance window's sums: its end, and the last moment at which a full rollback still fits."""

import datetime as dt

from fleet.cutover.forecast import Timings, forward_s, rollback_s

MARGIN = 0.25  # of the rollback's forecast, kept for a bad night


def ends_at(starts_at: dt.datetime, duration_minutes: int) -> dt.datetime:
    """The close: elapsed minutes after the start, so a clock change inside does not alter its length.
    Raises OverflowError past the year 9999."""
    return starts_at.astimezone(dt.UTC) + dt.timedelta(minutes=duration_minutes)


def point_of_no_return(ends: dt.datetime, terminals: int, timings: Timings) -> dt.datetime:
    """The last moment at which a full rollback, with its margin, still fits before the close."""
    return ends - dt.timedelta(seconds=rollback_s(terminals, timings) * (1 + MARGIN))


def why_not(now: dt.datetime, ends: dt.datetime, terminals: int, timings: Timings) -> str | None:
    """Why a cutover that starts now cannot fit, or None when it can: the way forward has to end before
    the point of no return."""
    needed = forward_s(terminals, timings)
    left = (point_of_no_return(ends, terminals, timings) - now).total_seconds()
    if needed <= left:
        return None
    return (
        f"the move needs about {needed:.0f} s and {max(left, 0):.0f} s are left before a rollback "
        f"no longer fits; choose a longer window or a later start"
    )
