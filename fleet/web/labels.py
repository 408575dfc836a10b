"""How states, schemes and times are said to people: a shape, a word and a tone for each state."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R


@dataclass(frozen=True, slots=True)
class Look:
    """tone is a CSS class; shape and word tell the same to whoever does not see colours."""

    tone: str
    shape: str
    word: str


RUN_LOOKS: dict[R, Look] = {
    R.PENDING: Look("wait", "·", "Waiting"),
    R.ARMED: Look("wait", "○", "Ready"),
    R.SWITCHING: Look("run", "◐", "Switching"),
    R.VERIFIED: Look("ok", "✓", "Verified"),
    R.FAILED: Look("bad", "▲", "Failed"),
    R.UNREACHABLE: Look("bad", "✕", "Not reachable"),
    R.LATE: Look("warn", "☾", "Off, late"),
    R.UNDOING: Look("run", "↺", "Going back"),
    R.RESTORED: Look("ok", "↩", "Restored"),
    R.UNDO_FAILED: Look("bad", "■", "Undo failed"),
}

CUTOVER_LOOKS: dict[C, Look] = {
    C.DRAFT: Look("wait", "○", "Draft"),
    C.SUBMITTED: Look("warn", "◔", "Waits for approval"),
    C.SCHEDULED: Look("wait", "◷", "Scheduled"),
    C.ARMING: Look("run", "◐", "Getting ready"),
    C.CUTTING_SERVER: Look("run", "◐", "Switching the server"),
    C.SWITCHING: Look("run", "◐", "Switching terminals"),
    C.VERIFYING: Look("run", "◐", "Last check"),
    C.COMPLETED: Look("ok", "✓", "Completed"),
    C.PAUSED: Look("warn", "‖", "Paused"),
    C.ROLLING_BACK: Look("run", "↺", "Rolling back"),
    C.ROLLED_BACK: Look("ok", "↩", "Rolled back"),
    C.NEEDS_PERSON: Look("bad", "▲", "Needs a person"),
    C.CANCELLED: Look("wait", "–", "Cancelled"),
}


CUT_OFF_SHAPE = "!"


def run_look(state: str, to_scheme: str = "", *, cut_off: bool = False) -> Look:
    """A device run's state; a verified one names the scheme that it speaks now. cut_off: it has no lookup that works, and
    then it never looks good or harmless, whatever its state."""
    look = RUN_LOOKS[R(state)]
    if state == R.VERIFIED and to_scheme:
        look = Look(look.tone, look.shape, f"On {to_scheme.upper()}")
    if not cut_off:
        return look
    tone = "bad" if look.tone == "bad" else "warn"
    shape = CUT_OFF_SHAPE if look.tone in ("ok", "wait") else look.shape
    return Look(tone, shape, f"{look.word}, cut off")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a cutover stopped, turned back or needs a person: one line. devices: names, "" where it says them itself."""

    message: str
    remedy: str
    devices: str


def cause_of(kept: dict[str, Any] | None) -> Cause | None:
    """A cutover's cause for people; None where it has none."""
    if not kept:
        return None
    message = str(kept.get("message") or kept.get("code") or "not known")
    names = [str(name) for name in kept.get("devices") or () if str(name) not in message]
    return Cause(message, str(kept.get("remedy") or ""), ", ".join(names))


def in_one_line(cause: Cause | None) -> str:
    """A cause where there is room for one cell only."""
    if cause is None:
        return ""
    return " ".join(part for part in (cause.message, f"({cause.devices})" if cause.devices else "", cause.remedy) if part)


def same_as_cause(finding: dict[str, Any] | None, kept: dict[str, Any] | None) -> bool:
    """Whether a finding says what the cause says already."""
    return bool(finding and kept) and (finding or {}).get("message") == (kept or {}).get("message")


def scheme_look(scheme: str) -> Look:
    """A scheme as a pill; a device whose settings were never read has none."""
    if scheme == "https":
        return Look("ok", "◆", "HTTPS")
    return Look("wait", "◇", "HTTP") if scheme == "http" else Look("warn", "?", "Not read yet")


CUT_OFF = Look("bad", "✕", "Cut off")
CHANGED_SINCE = Look("bad", "▲", "Changed since")


def differs_look(scheme: str) -> Look:
    """The scheme of a terminal whose server speaks the other one: nobody is served there."""
    return Look("bad", "▲", f"{scheme.upper()}, differs")


def severity_look(severity: str) -> Look:
    """How grave an item of attention is."""
    return Look("bad", "▲", "Error") if severity == "error" else Look("warn", "!", "Warning")


def contact_look(agent: object | None) -> Look:
    """Whether a device's agent is there."""
    if agent is None:
        return Look("warn", "–", "No agent")
    if getattr(agent, "revoked_at", None):
        return Look("bad", "✕", "Revoked")
    if getattr(agent, "quarantined_at", None):
        return Look("bad", "✕", "Identity used twice")
    return Look("ok", "●", "In contact") if getattr(agent, "connected", False) else Look("warn", "○", "No contact")


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
    """The site's zone; UTC where its name is none that this machine knows."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return dt.UTC


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
