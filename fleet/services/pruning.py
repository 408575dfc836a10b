"""Removes old details that agents sent, after about a year. Transitions and events are never pruned."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from fleet.cutover import states
from fleet.models import Cutover, Device, EnrolmentToken, Inquiry, Rehearsal, StepRun, TerminalCheck

CHUNK = 1000  # rows in one transaction, so that nobody waits long for the database
_MAY_GO_ON = sorted({*states.ACTIVE, states.Cutover.NEEDS_PERSON})


def prune(now: dt.datetime) -> dict[str, int]:
    """Empty what is older than TILLWAY_KEEP_DAYS: the evidence of steps, except of cutovers that may go on, the facts of
    rehearsals, and the facts of devices that were silent since. The rows stay. Inquiries and expired tokens are deleted.
    Returns how many rows of each kind it changed."""
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
        "inquiries": Inquiry.objects.filter(created_at__lt=before).delete()[0],
        "tokens": EnrolmentToken.objects.filter(expires_at__lt=before).delete()[0],
    }


def _empty(rows: object, field: str) -> int:
    """Empty this field of these rows, and return how many there were."""
    done = 0
    while True:
        with transaction.atomic():
            ids = list(rows.values_list("pk", flat=True)[:CHUNK])  # type: ignore[attr-defined]
            if not ids:
                return done
            rows.model.objects.filter(pk__in=ids).update(**{field: {}})  # type: ignore[attr-defined]
        done += len(ids)
