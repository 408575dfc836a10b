"""The parts of the live page that change. The page, the events of the stream and the response to a button use the same
context, so that all three always show the same."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from fleet.cutover.states import AT_REST, BEFORE_WINDOW, CAN_ROLL_BACK, Run
from fleet.cutover.states import Cutover as C
from fleet.models import Cutover
from fleet.services import clock
from fleet.services.cutovers import actions
from fleet.web import confirmations, labels
from fleet.web import view_models as shared_models
from fleet.web.device_steps import server_marks
from fleet.web.labels import Pill
from fleet.web.live import messages, view_models
from fleet.web.numbers import Numbers


@dataclass(frozen=True, slots=True)
class Control:
    """A button."""

    verb: str  # the action of services
    label: str
    tone: str  # CSS class
    asks: bool  # whether a dialog says what it will do, and asks first
    keep: str = "Cancel"  # the label of the dialog's other button

    @property
    def danger(self) -> bool:
        """Whether the button is destructive."""
        return self.tone == "danger"


CONTROLS = (
    Control("start", "Start now", "primary", True),
    Control("approve", "Approve", "primary", True),
    Control("submit", "Submit", "", False),
    Control("resume", "Resume", "primary", True),
    Control("pause", "Pause", "", False),
    Control("retry_failed", "Retry failed", "", True),
    Control("cancel", "Cancel cutover", "danger", True, "Keep it"),
    Control("roll_back", "Roll back", "danger", True),
)
ASKING = {c.verb: c for c in CONTROLS if c.asks}
COMMON = ("state", "numbers", "server", "plan")
OWN = ("controls", "says")


def common(cutover: Cutover, now: dt.datetime) -> dict[str, Any]:
    """What all viewers of a cutover see alike, except for the terminals' rows and the log."""
    n = shared_models.numbers(cutover, now)
    server = shared_models.server_run(cutover)
    slowest = view_models.slowest(cutover) if cutover.state == C.SWITCHING else None
    return {
        "cutover": cutover,
        "now": now,
        "zone": labels.zone_of(cutover.site.zone),
        "cause": labels.cause_of(cutover.cause),
        "finding": None if labels.same_as_cause(cutover.finding, cutover.cause) else cutover.finding,
        "n": n,
        "pill": _pill(cutover, n),
        "sentence": messages.sentence(cutover, n, server, slowest),
        "timeline": timeline(cutover, now),
        "tiles": tiles(cutover, n, now),
        "done": n.of("restored") if cutover.direction == "back" else n.of("verified"),
        "server": server,
        "server_marks": server_marks(server),
        "proof": shared_models.proof(cutover),
        "secure": cutover.to_scheme == "https",
        "hint": messages.hint(cutover, n),
        "on_threshold": messages.ON_THRESHOLD[cutover.on_threshold],
        "will": {v: confirmations.what_will_happen(v, cutover, n, now) for v in ASKING if actions.fits(v, cutover)},
    }


def personal(shared: dict[str, Any], user: Any, csrf: str) -> dict[str, Any]:
    """The same with the buttons of this person."""
    allowed = actions.allowed(user, shared["cutover"]) - ({"retry_failed"} if not shared["n"].failed else set())
    says = {verb: text for verb, text in shared["will"].items() if verb in allowed}
    shown = [labelled(c, shared["cutover"], shared["now"]) for c in CONTROLS if c.verb in allowed]
    return shared | {"csrf": csrf, "controls": shown, "says": says}


def labelled(control: Control, cutover: Cutover, now: dt.datetime) -> Control:
    """The button with the right label: the start button of a later cutover says "Schedule"."""
    later = control.verb == "start" and not cutover.starts_now and cutover.starts_at > now
    return replace(control, label="Schedule") if later else control


def context(cutover: Cutover, user: Any, now: dt.datetime, csrf: str) -> dict[str, Any]:
    """Everything that the parts show to this person."""
    return personal(common(cutover, now), user, csrf)


def _pill(cutover: Cutover, n: Numbers) -> Pill:
    pill = labels.CUTOVER_PILLS[C(cutover.state)]
    if cutover.state == C.SWITCHING and n.wave is not None and n.waves > 1:
        return Pill(pill.tone, pill.shape, f"{pill.word} · wave {n.wave + 1} of {n.waves}")
    return pill


def timeline(cutover: Cutover, now: dt.datetime) -> dict[str, Any]:
    """The window as a line of 1000: where now is, and what is kept for a rollback."""
    whole = (cutover.ends_at - cutover.starts_at).total_seconds()

    def at(moment: dt.datetime) -> int:
        return max(0, min(1000, round(1000 * (moment - cutover.starts_at).total_seconds() / whole)))

    pnr = at(cutover.no_return_at) if cutover.no_return_at else 1000
    # One that is rolled back after its end was at rest before, and is not now.
    rested = cutover.ended_at if cutover.state in AT_REST else None
    return {
        "now": at(rested or now),
        "ticks": rested is None,
        "pnr": pnr,
        "reserve": 1000 - pnr,
        "from_ms": round(cutover.starts_at.timestamp() * 1000),
        "to_ms": round(cutover.ends_at.timestamp() * 1000),
        "now_at": rested or now,
        "way_back": cutover.no_return_at if cutover.state in BEFORE_WINDOW | CAN_ROLL_BACK else None,
        "at_close": messages.AT_CLOSE[cutover.on_window_close],
    }


@dataclass(frozen=True, slots=True)
class Tile:
    """A big number with what it counts."""

    big: str
    small: str
    since_ms: int | None = None  # the number is a clock that started then, in milliseconds since 1970
    least_ms: int = 0  # the clock shows at least this


def tiles(cutover: Cutover, n: Numbers, now: dt.datetime) -> list[Tile]:
    """The big numbers."""
    back = cutover.direction == "back"
    done = ("restored", f"back on {cutover.from_scheme.upper()}") if back else ("verified", f"on {cutover.to_scheme.upper()}")
    limit = f" · limit {n.limit} in this wave" if n.limit is not None else ""
    out = [
        Tile(f"{n.of(done[0]):,} / {n.total:,}", f"terminals {done[1]}"),
        Tile(f"{n.of('undoing' if back else 'switching'):,}", "going back now" if back else "switching now"),
        Tile(f"{n.of('undo_failed') if back else n.failed:,}", "undo failed" if back else f"failed{limit}"),
        Tile(labels.seconds(n.median_ms), "median outage"),
        _worst(n, now),
    ]
    if n.eta_s is not None:
        out.append(Tile(f"≈ {labels.span(n.eta_s)}", "left, at the current pace"))
    elif late := n.of("late"):
        out.append(Tile(f"{late:,}", "offline, will follow"))
    return out


def _worst(n: Numbers, now: dt.datetime) -> Tile:
    worst = labels.seconds(n.worst_at(now))
    if n.cut_off_since is None:
        return Tile(worst, "longest outage or cut-off")
    return Tile(worst, f"worst · {n.cut_off:,} cut off now", clock.to_ms(n.cut_off_since), n.worst_ms or 0)


def render_parts(ctx: dict[str, Any], parts: tuple[str, ...] = COMMON + OWN) -> dict[str, str]:
    """Each part's HTML by name."""
    return {part: render_to_string(f"fleet/live/_{part}.html", ctx) for part in parts}


def cells(cutover: Cutover, newer_than: int | None = None) -> SafeString:
    """The grid's cells: of all terminals, or of those that changed after a version. By format_html, not by
    a template: with 10,000 terminals that is the difference between 0.2 s and 2 s."""
    pills = {(s, off): labels.run_pill(s, cutover.to_scheme, cut_off=off) for s in Run for off in (False, True)}
    found = view_models.cells(cutover, newer_than)
    known = ((pk, name, state, device, pills[Run(state), since is not None]) for pk, name, state, device, since in found)
    page = reverse("terminal", args=[0]).replace("/0/", "/{}/")
    return format_html_join(
        "",
        '<li id="c{0}" data-swap="outer" data-terminal="{1}" data-state="{2}"><a id="a{0}" class="cell {3}" href="{4}"'
        ' title="{1}: {6}" aria-label="{1}: {6}">{5}</a></li>',
        ((pk, name, state, pill.tone, page.format(device), pill.shape, pill.word) for pk, name, state, device, pill in known),
    )


def changed_rows(cutover: Cutover, newer_than: int) -> list[view_models.Row]:
    """The table's rows that changed after a version. Of many, those that a table of that length would show."""
    return view_models.rows(cutover, view_models.changed(cutover, newer_than))
