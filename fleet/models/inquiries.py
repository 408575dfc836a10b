"""What a person asks one device: try a probe profile, learn one, look for settings."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.device_facts.asked import AskedFacts, FoundFacts, RecordFacts, parse_checked, parse_found, parse_recorded
from fleet.models.agents import Agent
from fleet.models.devices import Device, Site


class Inquiry(models.Model):
    """One question to one device's agent, and its answer. It ends with the last answer, or when its time is over."""

    class Action(models.TextChoices):
        CHECK = "check"  # ask the server once by a probe profile
        RECORD = "record"  # listen for a while, and learn a probe profile
        FIND = "find"  # look for the service, the settings file and the like
        ADOPT = "adopt"  # keep what a person has confirmed of what was found

    site = models.ForeignKey(Site, models.CASCADE, related_name="inquiries")
    device = models.ForeignKey(Device, models.CASCADE, related_name="inquiries")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=6, choices=Action.choices)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()  # after this moment the dashboard does not wait for answers any more
    # What is asked. check: the profiles as a person sees them, each {"number": of the version in use or null, "text": TOML,
    # "" for a transport proof}.
    probes = models.JSONField(default=list, blank=True)
    seconds = models.PositiveIntegerField(default=0)  # record: how long
    # record: the terminal whose Touch is pointed at the device that listens.
    terminal = models.ForeignKey(Device, models.SET_NULL, null=True, blank=True, related_name="+")
    # record: host and port of that terminal when it began. Its inventory may name those of the recording meanwhile.
    was_host = models.CharField(max_length=253, blank=True)
    was_port = models.PositiveIntegerField(null=True, blank=True)
    confirmed = models.JSONField(default=list, blank=True)  # adopt: each {"field", "value"}
    stopping_at = models.DateTimeField(null=True, blank=True)  # record: when a person pressed Stop
    # The signed message, "" until a worker has written it. It is written again for Stop.
    body = models.TextField(blank=True)
    signature = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)  # how often it was sent
    # The newest answer. The device chose these words; nobody trusts them.
    heard = models.PositiveBigIntegerField(default=0)  # its number: an older one that comes later changes nothing
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    finding = models.JSONField(null=True, blank=True)  # None: all went well, or it goes on

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["device"], condition=models.Q(ended_at__isnull=True), name="one_inquiry_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"inquiry {self.pk}: {self.action} at {self.device}"

    @property
    def checked(self) -> tuple[AskedFacts, ...]:
        """The answer to a check, one value for each of `probes`. Parsed at each call, as those below."""
        return parse_checked(self.facts)

    @property
    def recorded(self) -> RecordFacts:
        """The answer to a recording."""
        return parse_recorded(self.facts)

    @property
    def found(self) -> tuple[FoundFacts, ...]:
        """The answer to a search."""
        return parse_found(self.facts)
