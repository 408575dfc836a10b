"""How long the steps took at a site, for the forecast and the point of no return."""

import statistics
from collections import defaultdict

from agents import catalogue
from fleet.cutover.forecast import Timings
from fleet.models import Cutover, DeviceRun

NIGHTS = 5  # how many of the site's last cutovers count
NAMES = ("server_forward_s", "server_back_s", "terminal_forward_s", "terminal_back_s")
# Seconds. No device counts for more than the time limits of its steps together, whatever its agent reports.
LIMITS_S = {
    "server": sum(step.limit_s for step in catalogue.SERVER_STEPS),
    "terminal": sum(step.limit_s for step in catalogue.TERMINAL_STEPS),
}


def timings(cutover: Cutover) -> Timings:
    """How long this site's steps took in its last cutovers: the median over its devices, each bounded by its steps'
    limits, so that no single device decides what may start. Never less than half of the defaults, because one fast night
    does not promise another. The defaults themselves count where nothing was measured."""
    before = Cutover.objects.filter(site_id=cutover.site_id, started_at__isnull=False).exclude(pk=cutover.pk)
    nights = list(before.order_by("-id").values_list("pk", flat=True)[:NIGHTS])
    base = Timings()
    measured = _medians(nights) if nights else {}
    return Timings(**{name: max(getattr(base, name) / 2, measured.get(name, getattr(base, name))) for name in NAMES})


def _medians(nights: list[int]) -> dict[str, float]:
    """ "server_forward_s" and so on -> the median of the seconds that one device took for its steps together."""
    took_ms: dict[tuple[str, str, int], int] = defaultdict(int)
    runs = DeviceRun.objects.filter(cutover__in=nights, steps__isnull=False)
    for kind, direction, pk, took in runs.values_list("kind", "steps__direction", "pk", "steps__took_ms"):
        took_ms[(kind, direction, pk)] += took
    seconds: dict[str, list[float]] = defaultdict(list)
    for (kind, direction, _), ms in took_ms.items():
        seconds[f"{kind}_{direction}_s"].append(min(ms / 1000, LIMITS_S[kind]))
    return {name: statistics.median(values) for name, values in seconds.items()}
