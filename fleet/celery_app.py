"""The Celery app and its timetable. A tick once a second opens windows that are due and notices devices that are
silent."""

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
        # A tick that no worker took is of no use a moment later, so old ticks do not queue up.
        "options": {"expires": 5},
    },
    "prune": {"task": "fleet.tasks.prune", "schedule": 3600.0, "options": {"expires": 3600}},
}


@worker_init.connect  # type: ignore[untyped-decorator]
def _refuse_missing_keys(**_: object) -> None:
    """Without the key that agents know, a worker would sign instructions that all of them refuse."""
    from fleet.startup import refuse_without_keys

    refuse_without_keys()
