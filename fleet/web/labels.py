"""How states, schemes and times are said to people: a shape, a word and a tone for each state."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

from fleet.cutover.states import Cutover as C
from fleet.cutover.states import Run as R


@dataclass(frozen=True, slots=True)
class ProbeAction:
    """tone is a CSS class; shape and word tell the same to whoever does not see colours."""

    tone: str
    shape: str
    word: str


RUN_LOOKS: dict[R, ProbeAction] = {
    R.PENDING: ProbeAction("wait", "·", "Waiting"),
    R.ARMED: ProbeAction("wait", "○", "Ready"),
    R.SWITCHING: ProbeAction("run", "◐", "Switching"),
    R.VERIFIED: ProbeAction("ok", "✓", "Verified"),
    R.FAILED: ProbeAction("bad", "▲", "Failed"),
    R.UNREACHABLE: ProbeAction("bad", "✕", "Not reachable"),
    R.LATE: ProbeAction("warn", "☾", "Off, late"),
    R.UNDOING: ProbeAction("run", "↺", "Going back"),
    R.RESTORED: ProbeAction("ok", "↩", "Restored"),
    R.UNDO_FAILED: ProbeAction("bad", "■", "Undo failed"),
}

CUTOVER_LOOKS: dict[C, ProbeAction] = {
    C.DRAFT: ProbeAction("wait", "○", "Draft"),
    C.SUBMITTED: ProbeAction("warn", "◔", "Waits for approval"),
    C.SCHEDULED: ProbeAction("wait", "◷", "Scheduled"),
    C.ARMING: ProbeAction("run", "◐", "Getting ready"),
    C.CUTTING_SERVER: ProbeAction("run", "◐", "Switching the server"),
    C.SWITCHING: ProbeAction("run", "◐", "Switching terminals"),
    C.VERIFYING: ProbeAction("run", "◐", "Last check"),
    C.COMPLETED: ProbeAction("ok", "✓", "Completed"),
    C.PAUSED: ProbeAction("warn", "‖", "Paused"),
    C.ROLLING_BACK: ProbeAction("run", "↺", "Rolling back"),
    C.ROLLED_BACK: ProbeAction("ok", "↩", "Rolled back"),
    C.NEEDS_PERSON: ProbeAction("bad", "▲", "Needs a person"),
    C.CANCELLED: ProbeAction("wait", "–", "Cancelled"),
}


CUT_OFF_SHAPE = "!"


def run_look(state: str, to_scheme: str = "", *, cut_off: bool = False) -> ProbeAction:
    """A device run's state; a verified one names the scheme that it speaks now. cut_off: it has no lookup that works, and
    then it never looks good or harmless, whatever its state."""
    look = RUN_LOOKS[R(state)]
    if state == R.VERIFIED and to_scheme:
        look = ProbeAction(look.tone, look.shape, f"On {to_scheme.upper()}")
    if not cut_off:
        return look
    tone = "bad" if look.tone == "bad" else "warn"
    shape = CUT_OFF_SHAPE if look.tone in ("ok", "wait") else look.shape
    return ProbeAction(tone, shape, f"{look.word}, cut off")


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


def scheme_look(scheme: str) -> ProbeAction:
    """A scheme as a pill; a device whose settings were never read has none."""
    if scheme == "https":
        return ProbeAction("ok", "◆", "HTTPS")
    return ProbeAction("wait", "◇", "HTTP") if scheme == "http" else ProbeAction("warn", "?", "Not read yet")


CUT_OFF = ProbeAction("bad", "✕", "Cut off")
CHANGED_SINCE = ProbeAction("bad", "▲", "Changed since")


def differs_look(scheme: str) -> ProbeAction:
    """The scheme of a terminal whose server speaks the other one: nobody is served there."""
    return ProbeAction("bad", "▲", f"{scheme.upper()}, differs")


def severity_look(severity: str) -> ProbeAction:
    """How grave an item of attention is."""
    return ProbeAction("bad", "▲", "Error") if severity == "error" else ProbeAction("warn", "!", "Warning")


def contact_look(agent: object | None) -> ProbeAction:
    """Whether a device's agent is there."""
    if agent is None:
        return ProbeAction("warn", "–", "No agent")
    if getattr(agent, "revoked_at", None):
        return ProbeAction("bad", "✕", "Revoked")
    if getattr(agent, "quarantined_at", None):
        return ProbeAction("bad", "✕", "Identity used twice")
    return (
        ProbeAction("ok", "●", "In contact") if getattr(agent, "connected", False) else ProbeAction("warn", "○", "No contact")
    )


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
