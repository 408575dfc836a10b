"""What nobody needs any more after a year: what agents told at length. Transitions and events are never pruned."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from fleet.cutover import states
from fleet.models import Cutover, Device, EnrolmentToken, Rehearsal, StepRun, TerminalCheck

CHUNK = 1000
_MAY_GO_ON = sorted({*states.ACTIVE, states.Cutover.NEEDS_PERSON})


def prune(now: dt.datetime) -> dict[str, int]:
    """Empty what is older than TILLWAY_KEEP_DAYS: evidence of steps of cutovers at rest, facts of rehearsals and of
    devices that nobody has heard of since, tokens that are over. The rows stay, but for tokens. Returns how many."""
    before = now - dt.timedelta(days=settings.KEEP_DAYS)
    busy = Cutover.objects.filter(pk=OuterRef("run__cutover"), state__in=_MAY_GO_ON)
    steps = StepRun.objects.filter(at__lt=before).exclude(evidence={}).exclude(Exists(busy))
    checks = TerminalCheck.objects.filter(rehearsal__created_at__lt=before).exclude(facts={})
    rehearsals = Rehearsal.objects.filter(created_at__lt=before).exclude(facts={})
    silent = Q(agent__isnull=True) | Q(agent__last_seen__lt=before)
    devices = Device.objects.filter(silent, created_at__lt=before).exclude(facts={})
    return {
        "steps": _empty(steps, "evidence"),
        "checks": _empty(checks, "facts"),
        "rehearsals": _empty(rehearsals, "facts"),
        "devices": _empty(devices, "facts"),
        "tokens": EnrolmentToken.objects.filter(expires_at__lt=before).delete()[0],
    }


def _empty(rows: object, field: str) -> int:
    """In pieces, so that nobody waits long for the database."""
    done = 0
    while True:
        with transaction.atomic():
            ids = list(rows.values_list("pk", flat=True)[:CHUNK])  # type: ignore[attr-defined]
            if not ids:
                return done
            rows.model.objects.filter(pk__in=ids).update(**{field: {}})  # type: ignore[attr-defined]
        done += len(ids)
