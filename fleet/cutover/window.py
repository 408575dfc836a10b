"""Calculates the end of a maintenance window, and the last moment at which a full rollback still fits into it."""

import datetime as dt

from fleet.cutover.forecast import Timings, forward_s, rollback_s

MARGIN = 0.25  # time kept in addition to the rollback's forecast, as a share of it


def ends_at(starts_at: dt.datetime, duration_minutes: int) -> dt.datetime:
    """When the window closes. The minutes are elapsed time, so a change to or from summer time does not change the
    window's length. Raises OverflowError after the year 9999."""
    return starts_at.astimezone(dt.UTC) + dt.timedelta(minutes=duration_minutes)


def point_of_no_return(ends: dt.datetime, terminals: int, timings: Timings, by_hand: int = 0) -> dt.datetime:
    """The last moment at which a full rollback, with its margin, still fits before the close. by_hand: how many of the
    terminals a person sets."""
    return ends - dt.timedelta(seconds=rollback_s(terminals, timings, by_hand) * (1 + MARGIN))


def why_not(now: dt.datetime, ends: dt.datetime, terminals: int, timings: Timings, by_hand: int = 0) -> str | None:
    """Why a cutover that starts now cannot fit, or None when it can: the way forward has to end before
    the point of no return. by_hand: how many of the terminals a person sets."""
    needed = forward_s(terminals, timings, by_hand)
    left = (point_of_no_return(ends, terminals, timings, by_hand) - now).total_seconds()
    if needed <= left:
        return None
    return (
        f"the cutover needs about {needed:.0f} s, and only {max(left, 0):.0f} s are left until a rollback "
        f"no longer fits; choose a longer window or a later start"
    )
