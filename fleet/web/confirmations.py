"""The text of a button's dialog, shown before anything is sent: how many terminals it affects, for about how long, and until
when a rollback still fits into the window."""

import datetime as dt

from fleet.cutover import forecast, window
from fleet.cutover.forecast import Timings
from fleet.cutover.states import COUNTS_AS_FAILED
from fleet.cutover.states import Cutover as C
from fleet.models import Cutover
from fleet.services.cutovers import actions
from fleet.services.cutovers.timings import timings
from fleet.web import labels, view_models
from fleet.web.labels import plural, span
from fleet.web.numbers import OPEN, Numbers


def what_will_happen(verb: str, cutover: Cutover, n: Numbers, now: dt.datetime) -> str:
    """The dialog's text; where the state does not allow the button, the reason."""
    if not actions.fits(verb, cutover):
        return f"This does nothing now. State of the cutover: {labels.CUTOVER_PILLS[C(cutover.state)].word.lower()}."
    match verb:
        case "start" | "approve":
            return _begin(cutover, now)
        case "resume":
            return _resume(cutover, n, now)
        case "retry_failed":
            return _retry(cutover, n, now)
        case "cancel":
            return _cancel(cutover, n)
        case _:
            return _roll_back(cutover, n)


def beginning(
    total: int,
    to: str,
    starts: dt.datetime | None,
    ends: dt.datetime,
    zone: dt.tzinfo,
    measured: Timings,
    by_hand: int = 0,
    server_by_hand: bool = False,
) -> str:
    """What a cutover does from its start on. total: number of terminals; to: the new scheme; starts: None for now; measured:
    how long steps take at this site; by_hand: how many of the terminals a person sets; server_by_hand: whether one sets the
    server."""
    when = f"On {_day(starts, zone)}" if starts else "At once"
    # Whether the first one has an agent is not known here, and does not matter: it is the shortest that it can be.
    first = span(forecast.forward_s(min(total, 1), measured, by_hand if by_hand == total == 1 else 0))
    last = span(forecast.forward_s(total, measured, by_hand))
    about = f"about {first} for the first, {last} for the last" if first != last else f"about {first}"
    server = f"a person switches the server to {to} when its page asks" if server_by_hand else f"the server switches to {to}"
    return (
        f"{when} every agent checks its settings and reports ready. Then {server}: {_all(total)} cut off "
        f"until each has switched too, {about}. {_persons(by_hand)}{_way_back(total, ends, zone, measured, by_hand)}"
    )


def _persons(by_hand: int) -> str:
    if not by_hand:
        return ""
    return f"A person sets {plural(by_hand, 'terminal')} by hand, each when its page asks for it. "


def _begin(cutover: Cutover, now: dt.datetime) -> str:
    later = not cutover.starts_now and cutover.starts_at > now
    starts = cutover.starts_at if later or not cutover.starts_now else now
    ends = window.ends_at(starts, cutover.duration_minutes)
    total, by_hand = view_models.planned(cutover), view_models.planned_by_hand(cutover)
    zone = labels.zone_of(cutover.site.zone)
    server = view_models.server_by_hand(cutover)
    opens = starts if later else None
    return beginning(total, cutover.to_scheme.upper(), opens, ends, zone, timings(cutover), by_hand, server)


def _resume(cutover: Cutover, n: Numbers, now: dt.datetime) -> str:
    measured = timings(cutover)
    if cutover.paused_from in (C.SWITCHING, C.VERIFYING):
        left = n.of(*OPEN)
        about = span(_terminals_s(left, measured, view_models.by_hand_in(cutover, *OPEN)))
        does = f"{plural(left, 'terminal')} left to switch, about {about}."
        does += f" {_cut_off_now(n)}" if n.cut_off else ""
    else:
        about = span(forecast.forward_s(n.total, measured, view_models.by_hand_in(cutover)))
        does = f"the server is next, and {_all(n.total)} cut off until each has switched too, about {about}."
    failed = f" The failure of {plural(n.failed, 'terminal')} does not stop it again." if n.failed else ""
    return f"It continues where it stopped: {does}{failed} {_fits(cutover, now)}"


def _retry(cutover: Cutover, n: Numbers, now: dt.datetime) -> str:
    about = span(
        _terminals_s(n.failed, Timings(), view_models.by_hand_in(cutover, *COUNTS_AS_FAILED))
    )  # this text is made again with each change, so it does not read the measured steps
    which = f"{plural(n.failed, 'terminal')} that failed {'is' if n.failed == 1 else 'are'}"
    return f"{which} tried again, about {about}. Nothing is done to the others. {_fits(cutover, now)}"


def _cancel(cutover: Cutover, n: Numbers) -> str:
    stay = f"{plural(n.total or view_models.planned(cutover), 'terminal')} and the server stay on {cutover.from_scheme.upper()}"
    return f"This cutover will not run. {stay}. A cancelled cutover cannot be resumed."


def _roll_back(cutover: Cutover, n: Numbers) -> str:
    old = cutover.from_scheme.upper()
    touched = view_models.to_go_back(cutover)
    takes = rollback_seconds(cutover)
    about = f" This takes about {span(takes)}." if takes else ""
    outage, person = f"{_all(n.total)} in outage", view_models.server_to_set_back(cutover)
    if not touched and person:
        return (
            f"A person sets the server back to {old} when its page asks: until then {outage}. No terminal was switched.{about}"
        )
    if not touched:
        stay = f"0 terminals have to go back, all {n.total} stay on {old}"
        return f"Nothing was switched yet: {stay}. The cutover ends here.{about}"
    if person:
        during = f"A person types the server's commands when its page asks: until then {outage}."
    else:
        during = f"While the server restarts, {outage} for a moment."
    were = "that was" if touched == 1 else "that were"
    return (
        f"The server goes back to {old} first, then {plural(touched, 'terminal')} {were} switched, in every wave."
        f"{about} {during}"
    )


def rollback_seconds(cutover: Cutover) -> float | None:
    """The forecast duration of a rollback, without the margin of the point of no return; None before it is scheduled."""
    if cutover.no_return_at is None:
        return None
    return (cutover.ends_at - cutover.no_return_at).total_seconds() / (1 + window.MARGIN)


def _terminals_s(terminals: int, measured: Timings, by_hand: int) -> float:
    return forecast.forward_s(terminals, measured, by_hand) - measured.server_forward_s


def _all(total: int) -> str:
    return "1 terminal is" if total == 1 else f"all {plural(total, 'terminal')} are"


def _cut_off_now(n: Numbers) -> str:
    return f"{plural(n.cut_off, 'terminal')} {'is' if n.cut_off == 1 else 'are'} cut off now."


def _way_back(total: int, ends: dt.datetime, zone: dt.tzinfo, measured: Timings, by_hand: int) -> str:
    until = _at(window.point_of_no_return(ends, total, measured, by_hand), zone)
    return (
        f"A rollback takes about {span(forecast.rollback_s(total, measured, by_hand))} and fits into the window until {until}."
    )


def _fits(cutover: Cutover, now: dt.datetime) -> str:
    takes = rollback_seconds(cutover)
    if takes is None or cutover.no_return_at is None:
        return ""
    at = _at(cutover.no_return_at, labels.zone_of(cutover.site.zone))
    if now >= cutover.no_return_at:
        return f"A rollback takes about {span(takes)}; after {at} it no longer fits into the window."
    return f"A rollback takes about {span(takes)} and fits into the window until {at}."


def _at(moment: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S %Z}"


def _day(moment: dt.datetime, zone: dt.tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M %Z}"
