"""How long things took at a site, for the forecast and the point of no return."""

from fleet.cutover.forecast import Timings
from fleet.models import Cutover, DeviceRun


def timings(cutover: Cutover) -> Timings:
    """Seconds that this site's steps took in its last cutover, each by its slowest device; the careful
    figures of a first night where nothing was measured. Never less than half of those: one good night
    is no promise."""
    last = (
        Cutover.objects.filter(site_id=cutover.site_id, started_at__isnull=False).exclude(pk=cutover.pk).order_by("-id").first()
    )
    base = Timings()
    if last is None:
        return base
    measured = _slowest(last)
    careful = {
        name: max(getattr(base, name) / 2, measured.get(name, getattr(base, name)))
        for name in ("server_forward_s", "server_back_s", "terminal_forward_s", "terminal_back_s")
    }
    return Timings(**careful)


def _slowest(cutover: Cutover) -> dict[str, float]:
    """ "server_forward_s" and so on -> seconds of the slowest device's steps together."""
    per_run: dict[tuple[str, int], int] = {}
    runs = DeviceRun.objects.filter(cutover=cutover, steps__isnull=False)
    for kind, direction, pk, took in runs.values_list("kind", "steps__direction", "pk", "steps__took_ms"):
        key = (f"{kind}_{direction}_s", pk)
        per_run[key] = per_run.get(key, 0) + took
    slowest: dict[str, float] = {}
    for (name, _), ms in per_run.items():
        slowest[name] = max(slowest.get(name, 0.0), ms / 1000)
    return slowest
