"""What is written down beside the changes of state of cutovers."""

from django.db import models
from django.utils import timezone

from fleet.models.devices import Site


class Event(models.Model):
    """What happened to agents and tokens outside any cutover, append-only: code is a stable word, text says it to people.
    actor: a person's user name, or the device itself."""

    at = models.DateTimeField(default=timezone.now)
    site = models.ForeignKey(Site, models.SET_NULL, null=True, related_name="events")
    device_name = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=150)
    code = models.CharField(max_length=40)
    text = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.code} {self.device_name}"
