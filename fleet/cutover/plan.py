"""Decides what may happen next, from a snapshot and `now`. It returns values and changes nothing.

It is level-triggered: asked again after any event, it gives the same answer until somebody has carried that answer
out. So a message that is lost or comes twice, or a crash between two steps, costs only time.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from agents.protocol import Finding
from fleet.cutover import by_hand, causes, rollback
from fleet.cutover.snapshot import Ask, Cause, Move, MoveRun, RunView, Snapshot, Step
from fleet.cutover.states import ACTIVE, CAN_ROLL_BACK, COUNTS_AS_FAILED, Cutover, Run

OPEN = frozenset({Run.PENDING, Run.ARMED, Run.SWITCHING})
_NOBODY = Cause(
    "no_terminals", "no terminal takes part; nothing was changed", "Add the site's terminals, then plan the cutover again."
)
_TOO_LATE = "the window closes before the rest could be switched"
DONE = frozenset({Run.VERIFIED, Run.LATE})  # what every terminal of a completed cutover is


def next_steps(s: Snapshot, now: dt.datetime) -> list[Step]:
    """What to do now, in this order; empty while the cutover only waits."""
    steps = _wanted(s, now)
    # Once the site has a later cutover, one that has ended only notes what it hears: it asks no device and does not
    # become active again.
    return [] if s.superseded and any(_acts(step) for step in steps) else steps


def _acts(step: Step) -> bool:
    return isinstance(step, Ask) or (isinstance(step, Move) and step.to in ACTIVE)


def _wanted(s: Snapshot, now: dt.datetime) -> list[Step]:
    if s.direction == "forward" and s.server.state is Run.RESTORED and s.state in CAN_ROLL_BACK:
        return [_back_for("the server went back on its own; its terminals follow", s.server)]
    rule = _RULES.get(s.state)
    return rule(s, now) if rule else []


def _scheduled(s: Snapshot, now: dt.datetime) -> list[Step]:
    if now < s.starts_at:
        return []
    if now + dt.timedelta(seconds=s.forward_s) > s.no_return_at:
        return [
            Move(Cutover.CANCELLED, "the dashboard was not running when the window opened; the remaining time is too short")
        ]
    return [Move(Cutover.ARMING, "the maintenance window opened")]


def _arming(s: Snapshot, now: dt.datetime) -> list[Step]:
    if not s.terminals:
        return [Move(Cutover.ROLLING_BACK, _NOBODY.message, cause=_NOBODY)]
    if _closing(s, now):
        return [_back_for_time("the window closes before the server could be switched; nothing was changed")]
    if s.server.state in COUNTS_AS_FAILED:
        return [_back_for(f"the server is not ready ({causes.said([s.server])}); nothing was changed", s.server)]
    # Nobody is asked about a device by hand: its person is needed when its turn comes, and not before.
    steps: list[Step] = [MoveRun(r.id, Run.ARMED, "by hand") for r in s.runs if r.by_hand and r.state is Run.PENDING]
    if new := tuple(r.id for r in s.runs if r.state is Run.PENDING and r.asked is None and not r.by_hand):
        steps.append(Ask(new, "arm"))
    for run in s.runs:
        if run.state is Run.PENDING and _overdue(run, now):
            steps.append(MoveRun(run.id, *_silent_at_arming(run)))
    if steps or any(r.state is Run.PENDING for r in s.runs):
        return steps
    if stop := _threshold(s):
        return [stop]
    if s.terminals and not any(r.state is Run.ARMED for r in s.terminals):
        return [_back_for("no terminal is in contact; switching the server would cut all of them off", *s.terminals)]
    return [Move(Cutover.CUTTING_SERVER, f"{sum(r.state is Run.ARMED for r in s.terminals)} terminals are ready")]


def _cutting_server(s: Snapshot, now: dt.datetime) -> list[Step]:
    server = s.server
    if server.state is Run.VERIFIED:
        return [Move(Cutover.SWITCHING, f"the server answers over {s.to_scheme.upper()}")]
    if server.state in COUNTS_AS_FAILED:
        return [_back_for(f"the server could not be switched ({causes.said([server])})", server)]
    if server.state is Run.ARMED:
        # This is the first step that cuts terminals off, so it starts only where it can finish.
        if _closing(s, now):
            return [_back_for_time("the window closes before the server could be switched; nothing was changed")]
        return [Ask((server.id,), "switch"), MoveRun(server.id, Run.SWITCHING, _told(server))]
    if s.on_window_close == "roll_back" and _closing(s, now):
        return [_at_close(s)]
    if _overdue(server, now):
        return [MoveRun(server.id, Run.UNREACHABLE, *by_hand.silence(server, s.to_scheme, _lost(server)))]
    return []


def _switching(s: Snapshot, now: dt.datetime) -> list[Step]:
    if s.server.state in COUNTS_AS_FAILED:
        # The server had answered, which is how a cutover comes into this state. Then its last steps failed, or it
        # tried to go back and failed.
        return [_back_for(f"the server did not stay on {s.to_scheme.upper()} ({causes.said([s.server])})", s.server)]
    if steps := _silent(s, now):
        return steps
    if stop := _threshold(s):
        return [stop]
    open_runs = [r for r in s.terminals if r.state in OPEN]
    if open_runs and s.on_window_close != "finish" and _closing(s, now):
        return [_at_close(s)]
    steps = _wake_late(s)
    if not open_runs:
        return [*steps, Move(Cutover.VERIFYING, "every wave is done")]
    wave = min(r.wave for r in open_runs)
    ready = [r for r in open_runs if r.wave == wave and r.state in (Run.PENDING, Run.ARMED)]
    if ready:
        steps.append(Ask(tuple(r.id for r in ready), "switch"))
        steps += [MoveRun(r.id, Run.SWITCHING, f"wave {wave + 1}: {_told(r)}") for r in ready]
    return steps


def _verifying(s: Snapshot, now: dt.datetime) -> list[Step]:
    if steps := _silent(s, now):  # a late one that came back and was lost again
        return steps
    # A server by hand has nobody to be asked once more. Its last check is from outside: its terminals have made their lookups
    # since it was set, and where one of them has failed, the cutover does not complete.
    if not s.server.by_hand:
        if s.server.asked != "verify":
            return [Ask((s.server.id,), "verify")]
        if not s.server_checked:
            return _unchecked(s, now)
    if any(r.state in OPEN for r in s.terminals):
        return [Move(Cutover.SWITCHING, "terminals are retried")]
    return [_at_rest(s)]


def _completed(s: Snapshot, now: dt.datetime) -> list[Step]:
    steps = _silent(s, now) or _wake_late(s)
    if not steps and any(r.state in COUNTS_AS_FAILED for r in s.runs):
        return [_at_rest(s)]
    return steps or _confirm(s)


def _paused(s: Snapshot, now: dt.datetime) -> list[Step]:
    if steps := _silent(s, now):
        return steps
    if s.paused_from in (Cutover.ARMING, Cutover.CUTTING_SERVER) and s.server.state in (Run.PENDING, Run.ARMED):
        if now >= s.ends_at or (s.on_window_close == "roll_back" and _closing(s, now)):
            return [_back_for_time("the window closed while paused; nothing was changed")]
    elif s.on_window_close == "roll_back" and _closing(s, now):
        return [_back_for_time("the point of no return passed during a pause")]
    return []


def _needs_person(s: Snapshot, now: dt.datetime) -> list[Step]:
    if s.direction == "back":
        return rollback.next_steps(s, now)
    steps = _silent(s, now) or _wake_late(s)
    # A late terminal that is switching now does not matter: a late one does not keep a cutover from being completed.
    if not steps and s.server.state is Run.VERIFIED and all(r.state in DONE | {Run.SWITCHING} for r in s.terminals):
        return [Move(Cutover.COMPLETED, "the missing terminals are back")]
    return steps or _confirm(s)


_RULES: dict[Cutover, Callable[[Snapshot, dt.datetime], list[Step]]] = {
    Cutover.SCHEDULED: _scheduled,
    Cutover.ARMING: _arming,
    Cutover.CUTTING_SERVER: _cutting_server,
    Cutover.SWITCHING: _switching,
    Cutover.VERIFYING: _verifying,
    Cutover.COMPLETED: _completed,
    Cutover.PAUSED: _paused,
    Cutover.NEEDS_PERSON: _needs_person,
    Cutover.ROLLING_BACK: rollback.next_steps,
}


# --- the guards ---------------------------------------------------------------------------------


def _closing(s: Snapshot, now: dt.datetime) -> bool:
    """Whether the point of no return is over, and no person has decided to go on after it."""
    return now >= s.no_return_at and not s.window_waived


def _at_close(s: Snapshot) -> Step:
    if s.on_window_close == "roll_back":
        return _back_for_time("point of no return: a rollback must start now to fit into the window")
    return _pause(Finding("window_closing", _TOO_LATE, "Resume to continue outside the window, or Roll back."))


def _threshold(s: Snapshot) -> Step | None:
    for wave, limit in enumerate(s.limits):
        failed = [r for r in s.terminals if r.wave == wave and r.state in COUNTS_AS_FAILED]
        if len(failed) > limit and wave not in s.waived:
            why = f"wave {wave + 1}: {len(failed)} failed, {limit} allowed ({causes.said(failed)})"
            if s.on_threshold == "roll_back":
                return _back_for(why, *failed)
            finding = Finding("threshold_passed", why, "Check the failed terminals, then Resume or Roll back.")
            return _pause(finding, causes.of_runs(failed, why))
    return None


def _silent(s: Snapshot, now: dt.datetime) -> list[Step]:
    """Devices that were told to switch and have not reported in time. Their instruction stays valid."""
    silent = [r for r in s.runs if r.state is Run.SWITCHING and _overdue(r, now)]
    return [MoveRun(r.id, Run.UNREACHABLE, *by_hand.silence(r, s.to_scheme, _lost(r))) for r in silent]


def _wake_late(s: Snapshot) -> list[Step]:
    """A terminal that is off finds its instruction when it comes back, so the dashboard asks now, without a deadline."""
    late = tuple(r.id for r in s.terminals if r.state is Run.LATE and r.asked != "switch")
    return [Ask(late, "switch")] if late else []


def _confirm(s: Snapshot) -> list[Step]:
    """A terminal that said it works is asked again some seconds later, to compare the two answers."""
    due = tuple(r.id for r in s.terminals if r.confirm_due and r.state is Run.VERIFIED)
    return [Ask(due, "verify")] if due else []


def _at_rest(s: Snapshot) -> Step:
    bad = [r for r in s.runs if r.state not in DONE]
    if bad:
        why = f"{_are(bad)} not on {s.to_scheme.upper()} ({causes.said(bad)})"
        return Move(Cutover.NEEDS_PERSON, why, cause=causes.of_runs(bad, why))
    late = sum(r.state is Run.LATE for r in s.terminals)
    return Move(Cutover.COMPLETED, f"every terminal answers over {s.to_scheme.upper()}" + (f", {late} offline" if late else ""))


def _are(runs: Sequence[RunView]) -> str:
    noun = "terminal" if all(run.kind == "terminal" for run in runs) else "device"
    return f"1 {noun} is" if len(runs) == 1 else f"{len(runs)} {noun}s are"


def _unchecked(s: Snapshot, now: dt.datetime) -> list[Step]:
    """The last check was asked for, and no good answer has come yet. While its deadline runs, an earlier failure of the
    server does not count, because a person has resumed the cutover since."""
    if s.server.deadline is None:
        return [_server_lost(s)]
    if not _overdue(s.server, now):
        return []
    if s.server.state is Run.FAILED:  # already, by an earlier check
        return [_server_lost(s)]
    return [MoveRun(s.server.id, Run.FAILED, "the server's agent did not report in time", _lost(s.server))]


def _server_lost(s: Snapshot) -> Step:
    why = "the server did not pass its final check"
    if s.on_threshold == "roll_back":
        return _back_for(why, s.server)
    finding = Finding("server_check_failed", why, "Check the server, then Resume or Roll back.")
    return _pause(finding, causes.of_runs([s.server], why))


def _silent_at_arming(run: RunView) -> tuple[Run, str, Finding]:
    if run.kind == "server":
        return Run.UNREACHABLE, "the server's agent does not answer", _lost(run)
    finding = Finding(
        "no_contact",
        f"{run.name} was not in contact when the cutover began.",
        "Switch it on or check its network: it switches automatically when it is back.",
    )
    return Run.LATE, "not in contact when the cutover began", finding


def _told(run: RunView) -> str:
    return "waits for a person" if run.by_hand else "told to switch"


def _lost(run: RunView) -> Finding:
    return Finding(
        "lost_contact",
        f"{run.name} did not report in time after it was told to switch.",
        "Check its power and network. When it is back, its agent continues automatically; Retry failed asks it again.",
    )


def _overdue(run: RunView, now: dt.datetime) -> bool:
    return run.deadline is not None and now >= run.deadline


def _back_for(why: str, *runs: RunView) -> Move:
    """Roll back because of what happened to these devices."""
    return Move(Cutover.ROLLING_BACK, why, cause=causes.of_runs(runs, why))


def _back_for_time(why: str) -> Move:
    remedy = "Choose a longer window or a later start, then plan the cutover again."
    return Move(Cutover.ROLLING_BACK, why, cause=Cause("window_closing", why, remedy))


def _pause(finding: Finding, cause: Cause | None = None) -> Move:
    return Move(Cutover.PAUSED, finding.message, finding, cause or causes.of_finding(finding))
