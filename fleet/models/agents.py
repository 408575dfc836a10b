"""Who speaks for a device, and what it was told."""

import secrets

from django.db import models
from django.utils import timezone

from fleet.models.cutovers import Cutover, DeviceRun
from fleet.models.devices import Device


def new_agent_id() -> str:
    """An unguessable name for an agent."""
    return secrets.token_hex(8)


class AgentQuerySet(models.QuerySet["Agent"]):
    """Agents, by whether they may speak."""

    def admitted(self) -> "AgentQuerySet":
        """Neither revoked nor in quarantine."""
        return self.filter(revoked_at__isnull=True, quarantined_at__isnull=True)


class Agent(models.Model):
    """The program on one device, known by the public key that it made there. acked: its report up to
    which everything is in this database; seq: the number of its newest instruction, which only grows;
    connected and last_seen: presence, as the gateway sees it; dropped: how many of its reports answered no instruction of
    this dashboard; alarm: what is wrong with this agent itself until somebody has dealt with it (code, message, remedy,
    at), such as identity_used_twice or instructions_refused; quarantined_at: two programs have used this identity; lives:
    of the processes that spoke for it, newest first; called: the name by which it enrolled, which may be another than its
    device's."""

    id = models.CharField(primary_key=True, max_length=16, default=new_agent_id)
    device = models.OneToOneField(Device, models.CASCADE, related_name="agent")
    public_key = models.CharField(max_length=64)
    enrolled_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    quarantined_at = models.DateTimeField(null=True, blank=True)
    lives = models.JSONField(default=list, blank=True)
    called = models.CharField(max_length=200, blank=True)
    connected = models.BooleanField(default=False)
    last_seen = models.DateTimeField(null=True, blank=True)
    acked = models.PositiveBigIntegerField(default=0)
    seq = models.PositiveBigIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(default=0)
    alarm = models.JSONField(null=True, blank=True)

    objects = AgentQuerySet.as_manager()

    def __str__(self) -> str:
        return f"agent of {self.device}"


class EnrolmentToken(models.Model):
    """A one-time token for one device; only its hash is kept."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"token for {self.device}"


class Instruction(models.Model):
    """One signed instruction, stored before it is sent. seq counts this agent's instructions.
    finished_at: its Finished report is in; an instruction of an older epoch than its cutover's is dead."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="instructions")
    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="instructions")
    run = models.ForeignKey(DeviceRun, models.CASCADE, related_name="instructions")
    seq = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    action = models.CharField(max_length=8)
    attempt = models.PositiveIntegerField(default=0)
    body = models.TextField()
    signature = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["run", "epoch", "action", "attempt"], name="one_instruction_per_ask"),
            models.UniqueConstraint(fields=["agent", "seq"], name="one_instruction_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"
