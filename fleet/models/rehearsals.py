"""A rehearsal: every terminal tries the certificate from its own seat, with nothing changed anywhere."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.cutover import states
from fleet.device_facts.facts import CheckFacts, ListenerFacts
from fleet.device_facts.parse import parse_check, parse_listener
from fleet.models.agents import Agent
from fleet.models.cutovers import Cutover
from fleet.models.devices import Device, Site

_REHEARSING = [state.value for state in states.Rehearsal if state in states.REHEARSING]
_CHOICES = [(state.value, state.value.capitalize()) for state in states.Rehearsal]


class Rehearsal(models.Model):
    """One rehearsal of one site. opening: the server is to open its shadow listener; asking: the terminals are to
    try it; then done, or failed with a finding where no terminal could be asked. facts: what the server said when it
    opened; requested_by: None when the schedule asked for it; deadline_at: when this stage's silence counts. after:
    the cutover that was completed before it: then it is no rehearsal any more, but measures what HTTPS really costs."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="rehearsals")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    after = models.OneToOneField(Cutover, models.CASCADE, null=True, blank=True, related_name="measured")
    thumbprint = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=_CHOICES, default=states.Rehearsal.OPENING)
    created_at = models.DateTimeField(default=timezone.now)
    deadline_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    finding = models.JSONField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["site"], condition=models.Q(state__in=_REHEARSING), name="one_rehearsal_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"rehearsal {self.pk} of {self.site}: {self.state}"

    @property
    def listener_facts(self) -> ListenerFacts:
        """What the server told when it opened its shadow listener. Parsed at each call."""
        return parse_listener(self.facts)


class TerminalCheck(models.Model):
    """One device in a rehearsal. action, body, signature: what its agent is told now, "" until it is written;
    facts and finding: its answer, somebody else's words; answered_at: None while, or because, there was none."""

    rehearsal = models.ForeignKey(Rehearsal, models.CASCADE, related_name="checks")
    device = models.ForeignKey(Device, models.CASCADE, related_name="checks")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=5, blank=True)
    body = models.TextField(blank=True)
    signature = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    finding = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("device__kind", "device__name", "id")
        constraints = [models.UniqueConstraint(fields=["rehearsal", "device"], name="one_check_per_device")]

    def __str__(self) -> str:
        return f"{self.device} in {self.rehearsal_id}"

    @property
    def ready(self) -> bool | None:
        """Whether all went well from here; None without an answer."""
        return None if self.answered_at is None else self.finding is None

    @property
    def check_facts(self) -> CheckFacts:
        """What the terminal told. Parsed at each call."""
        return parse_check(self.facts)
