"""What people do to a cutover: submit, approve, start, pause, resume, retry, roll back, cancel."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal, get_args

from django.db import IntegrityError, transaction

from agents import failpoints
from fleet.cutover import forecast, states, window
from fleet.cutover.states import COUNTS_AS_FAILED, Run
from fleet.models import Cutover, Role, role_of
from fleet.preflight.certificate.own_errors import Window
from fleet.services import certificates, readiness
from fleet.services.after_commit import AfterCommit
from fleet.services.cutovers import participants
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.cutovers.restored import is_in_doubt
from fleet.services.cutovers.timings import timings
from fleet.services.errors import Conflict, Forbidden, NotFound
from fleet.services.probes import versions

C = states.Cutover
Verb = Literal["submit", "approve", "start", "pause", "resume", "retry_failed", "roll_back", "cancel"]
VERBS: tuple[Verb, ...] = get_args(Verb)


def act(user: Any, cutover_id: int, verb: Verb, now: dt.datetime) -> AfterCommit:
    """Do it, and return what is to be done after the commit. Raises NotFound, Forbidden if the role may not do it, and
    Conflict with the reason if the state forbids it."""
    _may(user, verb)
    try:
        with transaction.atomic():
            try:
                locked = LockedCutover(cutover_id, now)
            except Cutover.DoesNotExist:
                raise NotFound("there is no such cutover") from None
            _VERBS[verb](locked, user)
            locked.settle()
            failpoints.reached("web.act_uncommitted")
    except IntegrityError as error:
        # The constraint one_active_cutover_per_site: somebody started another one at the same moment.
        raise Conflict("another cutover of this site is active") from error
    failpoints.reached("web.act_committed")
    return locked.after


def allowed(user: Any, cutover: Cutover) -> set[Verb]:
    """The verbs that this person can use in this state. Pages show these as buttons."""
    role, state = role_of(user), states.Cutover(cutover.state)
    verbs: set[Verb] = {verb for verb in VERBS if state in _STATES[verb]}
    if state is C.NEEDS_PERSON and cutover.direction == "back":
        verbs.discard("retry_failed")
    if is_in_doubt(cutover):
        verbs -= _BELIEVES
    if role is Role.APPROVER:
        return verbs & {"approve"}
    return verbs - (_own_plan(user, cutover)) if role is Role.ADMIN else set()


def fits(verb: str, cutover: Cutover) -> bool:
    """Whether this verb is possible in the cutover's state, for any person."""
    return any(states.Cutover(cutover.state) in expected for known, expected in _STATES.items() if known == verb)


def _own_plan(user: Any, cutover: Cutover) -> set[Verb]:
    """The verbs that the site's two-person rule forbids this person."""
    if not cutover.site.two_persons:
        return set()
    return {"approve", "start"} if cutover.requested_by_id == user.pk else {"start"}


_STATES: dict[Verb, frozenset[C]] = {
    "submit": frozenset({C.DRAFT}),
    "approve": frozenset({C.SUBMITTED}),
    "start": frozenset({C.DRAFT, C.SUBMITTED}),
    "pause": states.RUNNING,
    "resume": frozenset({C.PAUSED}),
    "retry_failed": frozenset({C.PAUSED, C.NEEDS_PERSON, C.COMPLETED, C.SWITCHING, C.VERIFYING}),
    "roll_back": states.CAN_ROLL_BACK,
    "cancel": states.BEFORE_WINDOW,
}


# These rely on what the database says about the devices.
_BELIEVES: frozenset[Verb] = frozenset({"resume", "retry_failed"})


def may(role: Role | None, verb: str) -> bool:
    """Whether this role may use this verb, in any state."""
    return role is Role.ADMIN or (role is Role.APPROVER and verb == "approve")


def _may(user: Any, verb: Verb) -> None:
    role = role_of(user)
    if may(role, verb):
        return
    who = f"the role {role}" if role else "a user without a role"
    raise Forbidden(f"{who} may not {verb.replace('_', ' ')} a cutover")


def _need(locked: LockedCutover, verb: Verb) -> None:
    if states.Cutover(locked.cutover.state) not in _STATES[verb]:
        expected = ", ".join(sorted(_STATES[verb]))
        name = verb.replace("_", " ")
        raise Conflict(f"cannot {name}: the cutover is {locked.cutover.state}; {name} needs one of: {expected}")
    if verb in _BELIEVES and is_in_doubt(locked.cutover):
        raise Conflict(
            "this database was restored from an older backup, so its records of the devices are out of date: press Roll back"
        )


def _submit(locked: LockedCutover, user: Any) -> None:
    _need(locked, "submit")
    locked.move(C.SUBMITTED, "submitted for approval", actor=user.get_username())


def _approve(locked: LockedCutover, user: Any) -> None:
    _need(locked, "approve")
    if locked.cutover.site.two_persons and locked.cutover.requested_by_id == user.pk:
        raise Forbidden("this site requires approval by a second person: the requester cannot approve")
    _schedule(locked, user, "approved")


def _start(locked: LockedCutover, user: Any) -> None:
    _need(locked, "start")
    if locked.cutover.site.two_persons:
        raise Forbidden("this site requires approval by a second person: press Submit, then someone else approves")
    _schedule(locked, user, "started")


def _schedule(locked: LockedCutover, user: Any, word: str) -> None:
    """Fix the window and the participants. The plan takes over when the window opens."""
    cutover, now = locked.cutover, locked.now
    if other := Cutover.objects.filter(site=cutover.site, state__in=states.ACTIVE).exclude(pk=cutover.pk).first():
        raise Conflict(f"cutover {other.pk} of this site is {other.state}; only one cutover per site can be active")
    starts = now if cutover.starts_now else cutover.starts_at
    ends = window.ends_at(starts, cutover.duration_minutes)
    thumbprint = cutover.certificate_thumbprint
    if cutover.to_scheme == "https" and not thumbprint:
        thumbprint = certificates.newest(cutover.site.server, now)  # raises Conflict for a server by hand
    _refuse_unfit_certificate(cutover, thumbprint, (max(now, starts), ends), now)
    if why := readiness.why_not(cutover, thumbprint, now):
        raise Conflict(why)
    cutover.probe = versions.current(cutover.site)
    participants.make_runs(cutover)
    terminals = cutover.runs.filter(kind="terminal").count()
    by_hand = cutover.runs.filter(kind="terminal", by_hand=True).count()
    if not terminals:
        raise Conflict("nothing to do: the plan excludes every terminal of this site")
    measured = timings(cutover)
    if why := window.why_not(max(now, starts), ends, terminals, measured, by_hand):
        raise Conflict(f"does not fit into the window: {why}")
    _refuse_without_server(locked)
    locked.set(
        starts_at=starts,
        ends_at=ends,
        no_return_at=window.point_of_no_return(ends, terminals, measured, by_hand),
        window_waived=False,
        certificate_thumbprint=thumbprint,
        epoch=locked.new_epoch(),
        approved_by=user,
        probe=cutover.probe,
    )
    expected = forecast.forward_s(terminals, measured, by_hand)
    locked.move(C.SCHEDULED, f"{word}; about {expected:.0f} s expected", actor=user.get_username())
    locked.load_runs()


def _refuse_unfit_certificate(cutover: Cutover, thumbprint: str, its_window: Window, now: dt.datetime) -> None:
    """Check the certificate again: the store may have changed since the plan was made, and a later start means a later
    end."""
    if cutover.to_scheme != "https":
        return
    if why := certificates.why_unfit(cutover.site, thumbprint, its_window, now):
        raise Conflict(f"the certificate {thumbprint[:8]}… {why}")


def _refuse_without_server(locked: LockedCutover) -> None:
    server = locked.cutover.site.server
    if server is None:
        raise Conflict("the site has no server: add one on the Import page")
    if not server.by_hand and getattr(server, "agent", None) is None:
        raise Conflict(
            f"the server {server.name} has no agent yet: enrol it on the Agents page, or, if no agent may run there, mark it "
            "as done by hand on its own page"
        )
    others = locked.cutover.site.devices.filter(kind="terminal")
    to_scheme = locked.cutover.to_scheme
    if server.scheme == to_scheme and not others.exclude(scheme=to_scheme).exists():
        raise Conflict(f"the server and every terminal of this site are on {to_scheme.upper()} already")


def _pause(locked: LockedCutover, user: Any) -> None:
    _need(locked, "pause")
    locked.move(C.PAUSED, "on request; steps under way finish, nothing new starts", actor=user.get_username())


def _resume(locked: LockedCutover, user: Any) -> None:
    _need(locked, "resume")
    cutover = locked.cutover
    # A person who resumes has seen why it stopped, so a limit that is exceeded now does not stop it again.
    failed = [r.wave for r in locked.runs.values() if r.kind == "terminal" and r.state in COUNTS_AS_FAILED]
    passed = [w for w, limit in enumerate(cutover.limits) if failed.count(w) > limit]
    locked.set(waived=sorted({*cutover.waived, *passed}), window_waived=_waives_window(locked))
    locked.move(C(cutover.paused_from), "resumed", actor=user.get_username())


def _waives_window(locked: LockedCutover) -> bool:
    """Whether a person has decided, now or before, to go on after the point of no return."""
    cutover = locked.cutover
    return cutover.window_waived or (cutover.no_return_at is not None and locked.now >= cutover.no_return_at)


def _retry_failed(locked: LockedCutover, user: Any) -> None:
    _need(locked, "retry_failed")
    cutover, actor = locked.cutover, user.get_username()
    if cutover.direction == "back":
        raise Conflict("the cutover is being rolled back: press Roll back to retry the rest")
    _refuse_superseded(locked)
    failed = [r for r in locked.runs.values() if r.kind == "terminal" and r.state in COUNTS_AS_FAILED]
    if not failed:
        raise Conflict("no terminal has failed")
    server_flipped = any(r.kind == "server" and r.state == Run.VERIFIED for r in locked.runs.values())
    if not server_flipped and cutover.state in (C.NEEDS_PERSON, C.COMPLETED):
        raise Conflict("the server itself is not on the new scheme: press Roll back, then plan a new cutover")
    for run in failed:
        locked.move_run(run, Run.ARMED if server_flipped else Run.PENDING, "retry", actor=actor)
    locked.forget_asked(failed)
    if not server_flipped:
        return
    locked.set(window_waived=_waives_window(locked), waived=[])
    if cutover.state != C.SWITCHING:
        locked.move(C.SWITCHING, f"retrying {len(failed)} terminals", actor=actor)


def _refuse_superseded(locked: LockedCutover) -> None:
    if participants.is_superseded(locked.cutover):
        raise Conflict("a later cutover of this site has started; roll that one back, or plan a cutover back")


def _roll_back(locked: LockedCutover, user: Any) -> None:
    _need(locked, "roll_back")
    cutover = locked.cutover
    _refuse_superseded(locked)
    if cutover.state == C.ROLLING_BACK and not any(r.state == Run.UNDO_FAILED for r in locked.runs.values()):
        return  # the second request: it is rolling back already
    locked.move(C.ROLLING_BACK, "on request", actor=user.get_username())


def _cancel(locked: LockedCutover, user: Any) -> None:
    _need(locked, "cancel")
    locked.move(C.CANCELLED, "before the window opened", actor=user.get_username())


_VERBS: dict[Verb, Callable[[LockedCutover, Any], None]] = {
    "submit": _submit,
    "approve": _approve,
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "retry_failed": _retry_failed,
    "roll_back": _roll_back,
    "cancel": _cancel,
}
