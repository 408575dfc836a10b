"""What happens as time passes: windows open, deadlines end, and instructions that got lost are written again."""

import datetime as dt
import logging
from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from agents import failpoints
from agents.catalogue import Restart
from fleet.cutover import plan, states
from fleet.cutover.states import Run
from fleet.device_facts.parse import parse_restart
from fleet.models import Cutover, DeviceRun, Site
from fleet.services import trouble
from fleet.services.after_commit import AfterCommit, Dispatch
from fleet.services.cutovers import instructions, participants, second_lookup
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.cutovers.run_steps import longest_s
from fleet.services.errors import StaleState

log = logging.getLogger(__name__)

GAP_S = 6.0  # a tick comes every second; after a longer gap the dashboard was down
GRACE_S = 15.0  # how long agents may take to come back before their silence counts again
GRACE_BY_HAND_S = 120.0  # a person has to find out that the page is back
RESTART = "device__facts__restart"  # only this part of a device's facts is read
SINCE_TICK_S = 5  # a deadline may be set just after a tick began
AFTER_END = dt.timedelta(hours=1)  # how long a cutover that is at rest may still have something to write or to confirm


def tick(now: dt.datetime) -> AfterCommit:
    """Look at every cutover that may have something to do. It is level-triggered: a missed tick costs only time, and one
    too many changes nothing. An error at one site does not stop the others."""
    after = AfterCommit()
    for cutover in _may_act(now):
        if trouble.may_try(cutover.site, now):
            after.add(_tick_one(cutover, now))
    return after


def _tick_one(cutover: Cutover, now: dt.datetime) -> AfterCommit:
    after = AfterCommit()
    with trouble.contained(cutover.site_id, f"continuing cutover {cutover.pk}", now) as outcome:
        if cutover.state in states.ACTIVE and cutover.started_at:
            _note_tick(cutover, now)
        after = _look_at(cutover, now)
    if not outcome.failed:
        trouble.over(cutover.site)
    return after


def give_grace(now: dt.datetime, cutovers: Collection[int] | None = None) -> None:
    """Extend the deadlines that are over or end soon. The dashboard was down, so nobody's silence counts yet.
    cutovers: ids; None for all."""
    waiting = DeviceRun.objects.filter(cutover__state__in=states.ACTIVE)
    if cutovers is not None:
        waiting = waiting.filter(cutover__in=cutovers)
    with transaction.atomic():
        for by_hand, seconds in ((False, GRACE_S), (True, GRACE_BY_HAND_S)):
            grace = now + dt.timedelta(seconds=seconds)
            waiting.filter(by_hand=by_hand, deadline_at__lt=grace).update(deadline_at=grace)


def _note_tick(cutover: Cutover, now: dt.datetime) -> None:
    """Write down that this site was looked at. A long gap means that the dashboard was down meanwhile."""
    before = cutover.site.last_tick_at or now
    if now - before > dt.timedelta(seconds=GAP_S):
        log.warning("%s: nobody looked for %.0f s; deadlines are extended", cutover, (now - before).total_seconds())
        give_grace(now, [cutover.pk])
    with transaction.atomic():
        _pull_in_deadlines(cutover, now)
        Site.objects.filter(pk=cutover.site_id).update(last_tick_at=now)


def _pull_in_deadlines(cutover: Cutover, now: dt.datetime) -> None:
    """Shorten deadlines that are further away than any that is ever set, which happens when the dashboard's clock was set
    back. Otherwise the cutover would wait for hours or days."""
    far = _longest(now, None)
    far_by_hand = now + dt.timedelta(seconds=max(cutover.by_hand_minutes * 60, GRACE_BY_HAND_S) + SINCE_TICK_S)
    late = cutover.runs.filter(deadline_at__gt=far).values_list("pk", "deadline_at", "by_hand", RESTART)
    for pk, deadline_at, by_hand, told in late:
        longest = far_by_hand if by_hand else _longest(now, parse_restart({"restart": told}))
        if deadline_at > longest:
            cutover.runs.filter(pk=pk).update(deadline_at=longest)
            log.warning("%s: the clock was put back; the deadline of run %s is pulled in", cutover, pk)


def _longest(now: dt.datetime, restart: Restart | None) -> dt.datetime:
    return now + dt.timedelta(seconds=longest_s(restart) + SINCE_TICK_S)


def _may_act(now: dt.datetime) -> list[Cutover]:
    """Active cutovers, and those that have ended and still wait for a device."""
    waiting = Q(state__in=[states.Cutover.COMPLETED, states.Cutover.NEEDS_PERSON, states.Cutover.ROLLED_BACK]) & Q(
        runs__state__in=[Run.LATE, Run.SWITCHING, Run.UNDOING, Run.UNREACHABLE, Run.UNDO_FAILED]
    )
    # Just after a rollback, the undo for untouched terminals may not have been written yet. Not if the site has a later
    # cutover: then that one decides about them.
    later = Cutover.objects.filter(participants.started_after(OuterRef("epoch")), site=OuterRef("site"))
    lately = Q(ended_at__gt=now - AFTER_END) & ~Exists(later)
    just_back = Q(state=states.Cutover.ROLLED_BACK) & lately
    to_confirm = Q(runs__confirm_at__lte=now) & lately
    found = (
        Cutover.objects.filter(Q(state__in=states.ACTIVE) | waiting | just_back | to_confirm)
        .select_related("site")
        .distinct()
        .order_by("pk")
    )
    return list(found)


def _look_at(cutover: Cutover, now: dt.datetime) -> AfterCommit:
    """Settle one cutover if its plan has something to say, which is first checked without a lock. Otherwise find
    instructions that are wanted but were never written."""
    after = AfterCommit()
    runs = cutover.runs.select_related("device").order_by("kind", "device__name", "id")
    snapshot = participants.snapshot(cutover, runs, now)
    if snapshot and plan.next_steps(snapshot, now):
        try:
            with transaction.atomic():
                after.add(LockedCutover(cutover.pk, now).settle())
                failpoints.reached("worker.tick_uncommitted")
            failpoints.reached("worker.tick_committed")
        except StaleState as error:
            log.info("%s: somebody else was first", error)
    elif cutover.state == states.Cutover.ROLLED_BACK and (lied := list(_not_undone(cutover, now))):
        with transaction.atomic():
            after.add(second_lookup.undo_again(LockedCutover(cutover.pk, now), lied))
    elif lost := tuple(instructions.missing(cutover).values_list("pk", flat=True)):
        after.dispatch.append(Dispatch(cutover.pk, lost))
    return after


def _not_undone(cutover: Cutover, now: dt.datetime) -> list[int]:
    return (
        [] if participants.is_superseded(cutover) else list(second_lookup.not_undone(cutover, now).values_list("pk", flat=True))
    )
