"""A rehearsal: every terminal tries the certificate over its own network connection, and nothing is changed."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.cutover import states
from fleet.device_facts.facts import CheckFacts, ListenerFacts
from fleet.device_facts.parse import parse_check, parse_listener
from fleet.models.agents import Agent
from fleet.models.cutovers import Cutover
from fleet.models.devices import Device, Site
from fleet.models.probes import ProbeVersion

_REHEARSING = [state.value for state in states.Rehearsal if state in states.REHEARSING]
_CHOICES = [(state.value, state.value.capitalize()) for state in states.Rehearsal]


class Rehearsal(models.Model):
    """One rehearsal of one site. Its states: opening (the server opens its shadow listener), asking (the terminals try
    it), then done, or failed where no terminal could be asked."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="rehearsals")
    # None: the schedule started it.
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    # Set: a measurement of what HTTPS really costs, made after this cutover was completed, and no rehearsal.
    after = models.OneToOneField(Cutover, models.CASCADE, null=True, blank=True, related_name="measured")
    thumbprint = models.CharField(max_length=40)
    # How its terminals ask the server. None: by a transport proof.
    probe = models.ForeignKey(ProbeVersion, models.RESTRICT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=8, choices=_CHOICES, default=states.Rehearsal.OPENING)
    created_at = models.DateTimeField(default=timezone.now)
    deadline_at = models.DateTimeField()  # after this moment the present state does not wait for answers any more
    finished_at = models.DateTimeField(null=True, blank=True)
    finding = models.JSONField(null=True, blank=True)  # why it failed: code, message, remedy
    facts = models.JSONField(default=dict, blank=True)  # what the server's agent said when it opened the listener

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
    """One device in a rehearsal."""

    rehearsal = models.ForeignKey(Rehearsal, models.CASCADE, related_name="checks")
    device = models.ForeignKey(Device, models.CASCADE, related_name="checks")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+")
    # The probe: what its agent is to do now ("open", "ask", "close", or "" for nothing), and the signed message, which
    # is "" until a worker has written it.
    action = models.CharField(max_length=5, blank=True)
    body = models.TextField(blank=True)
    signature = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # Its answer. The device chose these words; nobody trusts them.
    answered_at = models.DateTimeField(null=True, blank=True)  # None: there is no answer, or not yet
    facts = models.JSONField(default=dict, blank=True)
    finding = models.JSONField(null=True, blank=True)  # None: all went well

    class Meta:
        ordering = ("device__kind", "device__name", "id")
        constraints = [models.UniqueConstraint(fields=["rehearsal", "device"], name="one_check_per_device")]

    def __str__(self) -> str:
        return f"{self.device} in {self.rehearsal_id}"

    @property
    def ready(self) -> bool | None:
        """Whether all went well at this device; None without an answer."""
        return None if self.answered_at is None else self.finding is None

    @property
    def check_facts(self) -> CheckFacts:
        """What the terminal told. Parsed at each call."""
        return parse_check(self.facts)
