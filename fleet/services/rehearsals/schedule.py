"""What happens to rehearsals as time passes: states that take too long end, lost probes are found, scheduled rehearsals
begin, and after a cutover the terminals measure what HTTPS really costs."""

import datetime as dt
import functools
import logging
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.db.models import Q

from fleet.cutover import states
from fleet.models import Cutover, Device, Rehearsal, Site, TerminalCheck
from fleet.services import certificates, trouble
from fleet.services.after_commit import AfterCommit
from fleet.services.errors import Conflict
from fleet.services.rehearsals import probes
from fleet.services.rehearsals.lifecycle import BUSY, OPEN_LIMIT, begin, checks_for, give_up

log = logging.getLogger(__name__)

# How long after a cutover it is measured: not at once, because late reports still come in, and not on another day.
MEASURE_FROM, MEASURE_UNTIL = dt.timedelta(seconds=5), dt.timedelta(hours=1)


def tick(now: dt.datetime) -> AfterCommit:
    """End rehearsals whose present state takes too long, find probes that are wanted but not written, begin rehearsals
    that are due, and measure after cutovers."""
    after = AfterCommit(rehearse=set(probes.lost()))
    over = Q(deadline_at__lte=now) | Q(created_at__gt=now + OPEN_LIMIT)  # or the clock was set back
    due = Rehearsal.objects.filter(over, state__in=sorted(states.REHEARSING))
    if due.exists():  # nearly always there is none, and then nothing needs a lock
        with transaction.atomic():
            for rehearsal in due.select_for_update().order_by("pk"):
                after.add(give_up(rehearsal, now))
    for site in _due_sites(now):
        after.add(_at(site, functools.partial(_begin, site, now), now))
    for cutover in _unmeasured(now):
        after.add(_at(cutover.site, functools.partial(_measure, cutover, now), now))
    return after


def _begin(site: Site, now: dt.datetime) -> AfterCommit:
    return begin(site, "", now)[1]


def _at(site: Site, work: Callable[[], AfterCommit], now: dt.datetime) -> AfterCommit:
    """Do this work for one site. If it fails, the other sites go on."""
    if trouble.may_try(site, now):
        with trouble.contained(site.pk, "the scheduled rehearsal", now):
            try:
                return work()
            except Conflict as error:
                log.info("%s: no rehearsal now: %s", site, error)
    return AfterCommit()


def _due_sites(now: dt.datetime) -> list[Site]:
    """Sites where a scheduled rehearsal is due, and where one can begin now."""
    wanting = Site.objects.filter(
        rehearse_every_hours__gt=0, devices__kind=Device.Kind.SERVER, devices__scheme="http", devices__agent__connected=True
    )
    free = wanting.exclude(rehearsals__state__in=sorted(states.REHEARSING)).exclude(cutovers__state__in=sorted(BUSY))
    return [site for site in free.distinct() if _is_due(site, now)]


def _is_due(site: Site, now: dt.datetime) -> bool:
    newest = site.rehearsals.filter(after__isnull=True).order_by("-pk").first()
    if newest is not None and now - newest.created_at < dt.timedelta(hours=site.rehearse_every_hours):
        return False
    try:
        certificates.newest(site.server, now)
    except Conflict:
        return False
    return True


def _unmeasured(now: dt.datetime) -> list[Cutover]:
    """Cutovers to HTTPS that were completed a moment ago, at sites with a rehearsal before, so that there is a prediction
    to compare with."""
    done = Cutover.objects.filter(state=states.Cutover.COMPLETED, to_scheme="https", measured__isnull=True)
    fresh = done.filter(ended_at__gt=now - MEASURE_UNTIL, ended_at__lt=now - MEASURE_FROM)
    rehearsed = fresh.filter(site__rehearsals__state=states.Rehearsal.DONE, site__rehearsals__after__isnull=True)
    idle = rehearsed.exclude(site__cutovers__state__in=sorted(BUSY))
    return list(
        idle.exclude(site__rehearsals__state__in=sorted(states.REHEARSING)).select_related("site").distinct().order_by("pk")
    )


def _measure(cutover: Cutover, now: dt.datetime) -> AfterCommit:
    """Ask the terminals to measure at the live port, which speaks HTTPS now."""
    try:
        with transaction.atomic():
            rehearsal = Rehearsal.objects.create(
                site=cutover.site, after=cutover, thumbprint=cutover.certificate_thumbprint, state=states.Rehearsal.ASKING,
                created_at=now, deadline_at=now, probe=cutover.probe,
            )  # fmt: skip
            TerminalCheck.objects.bulk_create(checks_for(rehearsal, None))
            rehearsal.deadline_at = now + probes.ask_limit(rehearsal)
            rehearsal.save(update_fields=["deadline_at"])
    except IntegrityError:
        return AfterCommit()  # somebody began a rehearsal at this moment
    return AfterCommit(rehearse={rehearsal.pk})
