"""The current state of a terminal: the only definition, for pages, for the API and for what needs attention.

A terminal's state is that of its run in the newest cutover of its site that was started. A cutover that is only planned or
scheduled has moved nothing yet, so the state before it stays until it starts.
"""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from fleet.cutover import states
from fleet.models import Cutover, Device, DeviceRun, Site

# While one of these goes on, terminals and server differ because they are being moved.
UNDER_WAY = frozenset(states.RUNNING | {states.Cutover.PAUSED, states.Cutover.ROLLING_BACK})
_STARTED = Q(started_at__isnull=False) | Q(state__in=sorted(UNDER_WAY | {states.Cutover.NEEDS_PERSON}))


def newest_of(site: OuterRef) -> QuerySet[Cutover]:
    """This site's cutovers that were started, the newest first."""
    return Cutover.objects.filter(_STARTED, site=site).order_by("-epoch", "-pk")


def newest_started() -> QuerySet[Any]:
    """The ids of each site's newest cutover that was started."""
    newest = Subquery(newest_of(OuterRef("pk")).values("pk")[:1])
    return Site.objects.order_by().annotate(newest=newest).filter(newest__isnull=False).values("newest")


def runs() -> QuerySet[DeviceRun]:
    """The device runs that current states are of: at most one for each device."""
    return DeviceRun.objects.filter(cutover__in=newest_started())


def run_of(device: Device) -> DeviceRun | None:
    """The run that this device's current state is of; None where it took no part."""
    return runs().filter(device=device).first()


def state_of(device: OuterRef) -> Subquery:
    """The current state as an annotation of devices; NULL where a device took no part."""
    return Subquery(runs().filter(device=device).values("state")[:1])
