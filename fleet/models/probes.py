"""Probe profiles: how the proofs of a site ask its server. Each change is a new version, and versions are never changed."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.models.devices import Site


class ProbeVersion(models.Model):
    """One version of a site's probe profile. The newest is in use; a cutover keeps the one that it was approved with."""

    class Source(models.TextChoices):
        UPLOADED = "uploaded"
        RECORDED = "recorded"  # learnt from a terminal's own requests
        REMOVED = "removed"  # the site uses transport proofs again

    site = models.ForeignKey(Site, models.CASCADE, related_name="probes")
    number = models.PositiveIntegerField()  # counted from 1 in each site
    text = models.TextField(blank=True)  # TOML as it was given, valid; "" for REMOVED
    source = models.CharField(max_length=8, choices=Source.choices)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("site", "number")
        constraints = [models.UniqueConstraint(fields=["site", "number"], name="one_probe_per_number")]

    def __str__(self) -> str:
        return f"probe profile {self.number} of {self.site}"
