"""The live page's sentences: what is awaited, for how long, and what happens next."""

import datetime as dt
from dataclasses import dataclass

from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R
from fleet.models import Cutover, DeviceRun
from fleet.web import confirmations
from fleet.web.device_steps import proves_transport, step_title
from fleet.web.labels import plural, span
from fleet.web.numbers import Numbers

AT_CLOSE = {"finish": "continue to the end", "hold": "hold", "roll_back": "roll back"}
ON_THRESHOLD = {"roll_back": "roll everything back", "pause": "pause"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that may contain a countdown, which runs in the browser."""

    text: str
    until: int | None = None  # end of the countdown, in milliseconds since 1970
    rest: str = ""  # the text after the countdown


def sentence(cutover: Cutover, n: Numbers, server: DeviceRun | None, slowest: DeviceRun | None) -> Sentence:
    """What is happening, in one sentence for a person who knows nothing about the cutover yet. slowest: the terminal whose
    deadline is next."""
    new, old, site = cutover.to_scheme.upper(), cutover.from_scheme.upper(), cutover.site
    match C(cutover.state):
        case C.DRAFT:
            return Sentence("Nothing happens until this plan is submitted or started.")
        case C.SUBMITTED:
            who = "someone other than the requester" if site.two_persons else "an admin or approver"
            return Sentence(f"Waiting for {who} to approve. Nothing has been changed.")
        case C.SCHEDULED:
            return Sentence(
                "Starts automatically in",
                _ms(cutover.starts_at),
                ". Then every agent checks its settings, backs them up and reports ready.",
            )
        case C.ARMING:
            waiting = n.of(R.PENDING) + (server is not None and server.state == R.PENDING)
            return Sentence(
                f"Waiting for {plural(waiting, 'agent')} to report ready. No terminal is in outage yet; the server is next."
            )
        case C.CUTTING_SERVER:
            doing = step_title(server.step, transport=proves_transport(server)) if server and server.step else "the server"
            doing = "by hand, waiting for a person" if server and server.by_hand else doing
            until = _ms(server.deadline_at) if server else None
            rest = " left before it counts as failed. Terminals are in outage until they have switched too." if until else ""
            return Sentence(f"Switching the server to {new}: {doing}." + (" It has" if until else ""), until, rest)
        case C.SWITCHING:
            return _switching(n, slowest)
        case C.VERIFYING:
            return Sentence(f"Every wave is done. A final check of the server over {new} decides.")
        case C.COMPLETED:
            late = n.of(R.LATE)
            tail = f" {plural(late, 'terminal')} offline: each follows automatically when it is back." if late else ""
            off = f" {_cut_off(n)}" if n.cut_off else ""
            word = f" Of {n.by_word}, set by hand, a person says so." if n.by_word else ""
            on = f"{plural(n.of(R.VERIFIED), 'terminal')} of {n.total} on {new}"
            return Sentence(f"{on} and verified by a member lookup.{word}{tail}{off}")
        case C.PAUSED:
            return Sentence(f"Paused: {cutover.reason or 'on request'}. Nothing new starts until Resume or Roll back.")
        case C.ROLLING_BACK:
            return Sentence(
                f"The server goes back to {old} first, then {plural(n.of(R.UNDOING), 'terminal')}; each verifies over {old}."
            )
        case C.ROLLED_BACK:
            if n.cut_off:
                return Sentence(f"The server is on {old} again. {_cut_off(n)} {_because(cutover)}")
            return Sentence(f"Everything is as it was before: server and terminals are on {old}. {_because(cutover)}")
        case C.NEEDS_PERSON:
            return Sentence(f"Needs attention: {cutover.reason or 'see the findings'}. The findings below say what to do.")
        case _:
            return Sentence("Cancelled before its window opened. Nothing was changed.")


def _switching(n: Numbers, slow: DeviceRun | None) -> Sentence:
    later = n.waves - 1 - n.wave if n.wave is not None else 0
    then = f"wave {(n.wave or 0) + 2} of {n.waves} follows" if later > 0 else "the final check follows"
    if slow is None:
        return Sentence(f"Telling the next {plural(n.of(R.PENDING, R.ARMED), 'terminal')} to switch; {then}.")
    who = f"A person sets {slow.device.name} by hand and" if slow.by_hand else f"The slowest, {slow.device.name},"
    return Sentence(
        f"Waiting for {plural(n.of(R.SWITCHING), 'terminal')}. {who} has",
        _ms(slow.deadline_at),
        f" left before it counts as failed; then {then}.",
    )


def _cut_off(n: Numbers) -> str:
    return f"{plural(n.cut_off, 'terminal')} {'is' if n.cut_off == 1 else 'are'} still cut off: see below what to do."


def _because(cutover: Cutover) -> str:
    return f"Reason: {cutover.reason}." if cutover.reason and not cutover.cause else ""


def _ms(at: dt.datetime | None) -> int | None:
    return round(at.timestamp() * 1000) if at else None


def hint(cutover: Cutover, n: Numbers) -> str:
    """One line beside the buttons."""
    takes = confirmations.rollback_seconds(cutover)
    if takes and cutover.state in (C.CUTTING_SERVER, C.SWITCHING, C.VERIFYING, C.PAUSED, C.COMPLETED):
        return f"Rolling back takes about {span(takes)}: the server first, then its terminals."
    return ""
