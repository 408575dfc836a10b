"""The Celery app and the beat: one tick a second opens due windows and sweeps what has gone quiet."""

from celery import Celery
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
    }
}
