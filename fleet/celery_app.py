"""The Celery app and the beat: one tick a second opens due windows and sweeps what has gone quiet."""

from celery import Celery
from celery.signals import worker_init
from django.conf import settings

app = Celery("tillway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["fleet"])
app.conf.beat_schedule = {
    "tick": {
        "task": "fleet.tasks.tick",
        "schedule": settings.TICK_SECONDS,
        # A tick that nobody could take is worthless a moment later: no queue of old ticks builds up.
        "options": {"expires": 5},
    },
    "prune": {"task": "fleet.tasks.prune", "schedule": 3600.0, "options": {"expires": 3600}},
}


@worker_init.connect  # type: ignore[untyped-decorator]
def _refuse_missing_keys(**_: object) -> None:
    """A worker without the key that agents know would sign what all of them refuse."""
    from fleet.startup import refuse_without_keys

    refuse_without_keys()
