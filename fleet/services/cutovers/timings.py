"""How long the steps took at a site, for the forecast and the point of no return."""

import statistics
from collections import Counter, defaultdict

from agents import catalogue
from agents.protocol import Role
from fleet.cutover.forecast import SERVER_BY_HAND_S, Timings
from fleet.device_facts.parse import parse_restart
from fleet.models import Cutover, Device, DeviceRun

NIGHTS = 5  # how many of the site's last cutovers count
NAMES = ("server_forward_s", "server_back_s", "terminal_forward_s", "terminal_back_s")
RESTART = "device__facts__restart"  # only this part of a device's facts is read


def timings(cutover: Cutover) -> Timings:
    """How long this site's steps took in its last cutovers: the median over its devices, each bounded by its steps'
    limits, so that no single device decides what may start. Never less than half of the defaults, because one fast night
    does not promise another. The defaults themselves count where nothing was measured. Terminals that restart Touch are
    counted beside that. A server by hand takes as long as a person takes for its commands."""
    before = Cutover.objects.filter(site_id=cutover.site_id, started_at__isnull=False).exclude(pk=cutover.pk)
    nights = list(before.order_by("-id").values_list("pk", flat=True)[:NIGHTS])
    base = Timings()
    measured = _medians(nights) if nights else {}
    usual = {name: max(getattr(base, name) / 2, measured.get(name, getattr(base, name))) for name in NAMES}
    if Device.objects.filter(site=cutover.site_id, kind="server", by_hand=True).exists():
        usual |= {"server_forward_s": SERVER_BY_HAND_S, "server_back_s": SERVER_BY_HAND_S}
    return Timings(**usual, restarts=_restarts(cutover.site_id))


def _restarts(site_id: int) -> tuple[tuple[str, int], ...]:
    """How many of this site's terminals restart Touch, by the way in which they do it."""
    found = Device.objects.filter(site=site_id, kind="terminal", by_hand=False, facts__restart__how__in=catalogue.RESTARTS)
    told = found.values_list("facts__restart", flat=True)
    ways = Counter(restart.how for value in told if (restart := parse_restart({"restart": value})))
    return tuple(sorted(ways.items()))


def _medians(nights: list[int]) -> dict[str, float]:
    """ "server_forward_s" and so on -> the median of the seconds that one device took for its steps together."""
    took_ms: dict[tuple[str, str, int], int] = defaultdict(int)
    limits_s: dict[int, float] = {}
    runs = DeviceRun.objects.filter(cutover__in=nights, steps__isnull=False)
    for kind, direction, pk, took, told in runs.values_list("kind", "steps__direction", "pk", "steps__took_ms", RESTART):
        took_ms[(kind, direction, pk)] += took
        if pk not in limits_s:
            limits_s[pk] = _limit_s(kind, parse_restart({"restart": told}))
    seconds: dict[str, list[float]] = defaultdict(list)
    for (kind, direction, pk), ms in took_ms.items():
        seconds[f"{kind}_{direction}_s"].append(min(ms / 1000, limits_s[pk]))
    return {name: statistics.median(values) for name, values in seconds.items()}


def _limit_s(kind: str, restart: catalogue.Restart | None) -> float:
    """Seconds. No device counts for more than the time limits of its steps together, whatever its agent reports."""
    role: Role = "server" if kind == "server" else "terminal"
    return sum(step.limit_s for step in catalogue.steps_for(role, "switch", restart))
