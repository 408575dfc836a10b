"""The log of everything that happens outside cutovers."""

from django.db import models
from django.utils import timezone

from fleet.models.devices import Site


class Event(models.Model):
    """Something that happened to an agent, a token or a site outside any cutover; append-only."""

    at = models.DateTimeField(default=timezone.now)
    site = models.ForeignKey(Site, models.SET_NULL, null=True, related_name="events")
    device_name = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=150)  # a person's user name, a device's name, or a command
    code = models.CharField(max_length=40)  # a stable word for programs
    text = models.CharField(max_length=1000, blank=True)  # the same for people

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.code} {self.device_name}"
