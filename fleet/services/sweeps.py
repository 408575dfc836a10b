"""What the clock does: windows that open, deadlines that pass, instructions that got lost on the way."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Q

from agents import points
from fleet.cutover import plan, states
from fleet.cutover.states import Run
from fleet.models import Cutover
from fleet.services import instructions, roster
from fleet.services.engine import Lost, Session
from fleet.services.outcome import Dispatch, Next

log = logging.getLogger(__name__)


def tick(now: dt.datetime) -> Next:
    """Look at every cutover that may have something to do. Level-triggered: a tick that was missed costs
    time, one too many nothing."""
    after = Next()
    for cutover in _may_act():
        after.add(_look_at(cutover, now))
    return after


def _may_act() -> list[Cutover]:
    """Active ones, and those at rest that still wait for a device."""
    waiting = Q(state__in=[states.Cutover.COMPLETED, states.Cutover.NEEDS_PERSON, states.Cutover.ROLLED_BACK]) & Q(
        runs__state__in=[Run.LATE, Run.SWITCHING, Run.UNDOING, Run.UNREACHABLE, Run.UNDO_FAILED]
    )
    found = Cutover.objects.filter(Q(state__in=states.ACTIVE) | waiting).select_related("site").distinct().order_by("pk")
    return list(found)


def _look_at(cutover: Cutover, now: dt.datetime) -> Next:
    """Settle one cutover if its plan has something to say (looked at without a lock first), and find
    instructions that are wanted but were never written."""
    after = Next()
    runs = cutover.runs.select_related("device").order_by("kind", "device__name", "id")
    snapshot = roster.snapshot(cutover, runs)
    if snapshot and plan.next_steps(snapshot, now):
        try:
            with transaction.atomic():
                after.add(Session(cutover.pk, now).settle())
                points.reached("worker.tick_uncommitted")
            points.reached("worker.tick_committed")
        except Lost as error:
            log.info("%s: somebody else was first", error)
    elif lost := tuple(instructions.missing(cutover).values_list("pk", flat=True)):
        after.dispatch.append(Dispatch(cutover.pk, lost))
    return after
