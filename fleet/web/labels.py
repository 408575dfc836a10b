"""States, schemes and times as pages show them: a shape, a word and a colour for each state."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R


@dataclass(frozen=True, slots=True)
class Pill:
    """A state as pages show it. Shape and word make it readable without colours."""

    tone: str  # CSS class
    shape: str  # one character
    word: str


RUN_PILLS: dict[R, Pill] = {
    R.PENDING: Pill("wait", "·", "Waiting"),
    R.ARMED: Pill("wait", "○", "Ready"),
    R.SWITCHING: Pill("run", "◐", "Switching"),
    R.VERIFIED: Pill("ok", "✓", "Verified"),
    R.FAILED: Pill("bad", "▲", "Failed"),
    R.UNREACHABLE: Pill("bad", "✕", "Unreachable"),
    R.LATE: Pill("warn", "☾", "Offline, will follow"),
    R.UNDOING: Pill("run", "↺", "Going back"),
    R.RESTORED: Pill("ok", "↩", "Restored"),
    R.UNDO_FAILED: Pill("bad", "■", "Undo failed"),
}

CUTOVER_PILLS: dict[C, Pill] = {
    C.DRAFT: Pill("wait", "○", "Draft"),
    C.SUBMITTED: Pill("warn", "◔", "Awaiting approval"),
    C.SCHEDULED: Pill("wait", "◷", "Scheduled"),
    C.ARMING: Pill("run", "◐", "Getting ready"),
    C.CUTTING_SERVER: Pill("run", "◐", "Switching the server"),
    C.SWITCHING: Pill("run", "◐", "Switching terminals"),
    C.VERIFYING: Pill("run", "◐", "Final check"),
    C.COMPLETED: Pill("ok", "✓", "Completed"),
    C.PAUSED: Pill("warn", "‖", "Paused"),
    C.ROLLING_BACK: Pill("run", "↺", "Rolling back"),
    C.ROLLED_BACK: Pill("ok", "↩", "Rolled back"),
    C.NEEDS_PERSON: Pill("bad", "▲", "Needs attention"),
    C.CANCELLED: Pill("wait", "–", "Cancelled"),
}


CUT_OFF_SHAPE = "!"


# What a device run's result rests on.
PROOFS = {"application": "a lookup", "transport": "transport", "person": "a person's word"}


def run_pill(state: str, to_scheme: str = "", *, cut_off: bool = False) -> Pill:
    """A device run's state; a verified one names the scheme that it speaks now. cut_off: it has no lookup that works, and
    then it never looks good or harmless, whatever its state."""
    pill = RUN_PILLS[R(state)]
    if state == R.VERIFIED and to_scheme:
        pill = Pill(pill.tone, pill.shape, f"On {to_scheme.upper()}")
    if not cut_off:
        return pill
    tone = "bad" if pill.tone == "bad" else "warn"
    shape = CUT_OFF_SHAPE if pill.tone in ("ok", "wait") else pill.shape
    return Pill(tone, shape, f"{pill.word}, cut off")


def pill_of(state: str, *, of_device: bool, to_scheme: str = "") -> Pill:
    """The pill of a state that a transition names. of_device: whether a device changed its state, or its cutover."""
    return run_pill(state, to_scheme) if of_device else CUTOVER_PILLS[C(state)]


def reason_beside(pill: Pill, reason: str) -> str:
    """The reason of a transition as it stands beside the pill of its state: "" where it only repeats the pill's word."""
    return "" if reason.casefold() == pill.word.casefold() else reason


def states_called(text: str) -> list[str]:
    """The states whose pill has this text in its word; the same word may belong to a device and to a cutover."""
    wanted = text.casefold()
    pills: list[tuple[str, Pill]] = [*RUN_PILLS.items(), *CUTOVER_PILLS.items()]
    return [str(state) for state, pill in pills if wanted in pill.word.casefold()]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a cutover stopped, turned back or needs attention."""

    message: str
    remedy: str
    devices: str  # names of the devices that the message does not name itself


def cause_of(kept: dict[str, Any] | None) -> Cause | None:
    """A cutover's cause for people; None where it has none."""
    if not kept:
        return None
    message = str(kept.get("message") or kept.get("code") or "not known")
    names = [str(name) for name in kept.get("devices") or () if str(name) not in message]
    return Cause(message, str(kept.get("remedy") or ""), ", ".join(names))


def in_one_line(cause: Cause | None) -> str:
    """A cause as one line of text; "" for none."""
    if cause is None:
        return ""
    return " ".join(part for part in (cause.message, f"({cause.devices})" if cause.devices else "", cause.remedy) if part)


def same_as_cause(finding: dict[str, Any] | None, kept: dict[str, Any] | None) -> bool:
    """Whether this finding repeats the cause."""
    return bool(finding and kept) and (finding or {}).get("message") == (kept or {}).get("message")


def scheme_pill(scheme: str) -> Pill:
    """A scheme as a pill; unknown for a device whose settings were never read."""
    if scheme == "https":
        return Pill("ok", "◆", "HTTPS")
    return Pill("wait", "◇", "HTTP") if scheme == "http" else Pill("warn", "?", "Not read yet")


CUT_OFF = Pill("bad", "✕", "Cut off")
CHANGED_SINCE = Pill("bad", "▲", "Changed since")


def event_word(code: str) -> str:
    """What happened to an agent or a token, as a heading."""
    return code.replace("_", " ").capitalize()


def differs_pill(scheme: str) -> Pill:
    """The scheme of a terminal whose server uses the other scheme: member lookups fail there."""
    return Pill("bad", "▲", f"{scheme.upper()}, differs")


def severity_pill(severity: str) -> Pill:
    """The severity of an attention item."""
    return Pill("bad", "▲", "Error") if severity == "error" else Pill("warn", "!", "Warning")


def contact_pill(agent: object | None) -> Pill:
    """Whether a device has an agent, and whether it is in contact."""
    if agent is None:
        return Pill("warn", "–", "No agent")
    if getattr(agent, "revoked_at", None):
        return Pill("bad", "✕", "Revoked")
    if getattr(agent, "quarantined_at", None):
        return Pill("bad", "✕", "Identity used twice")
    return Pill("ok", "●", "In contact") if getattr(agent, "connected", False) else Pill("warn", "○", "No contact")


def seconds(ms: float | None) -> str:
    """Milliseconds as seconds that a person reads at a glance."""
    if ms is None:
        return "–"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else span(ms / 1000)


def span(s: float) -> str:
    """A length of time in at most two units."""
    s = max(0, round(s))
    if s < 60:
        return f"{s} s"
    minutes, rest = divmod(s, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 5 and rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def zone_of(name: str) -> dt.tzinfo:
    """The site's zone; UTC where this machine does not know the name."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return dt.UTC


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
