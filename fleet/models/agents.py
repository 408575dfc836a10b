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
    """The program on one device, known by the public key that it made there."""

    id = models.CharField(primary_key=True, max_length=16, default=new_agent_id)
    device = models.OneToOneField(Device, models.CASCADE, related_name="agent")
    public_key = models.CharField(max_length=64)  # base64
    enrolled_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)  # by an admin
    quarantined_at = models.DateTimeField(null=True, blank=True)  # two programs have used this identity
    # The lives (one per process, random) that spoke for it, newest first; see services/agents/lives.py.
    lives = models.JSONField(default=list, blank=True)
    called = models.CharField(max_length=200, blank=True)  # the name by which it enrolled; the device may have another one
    # Presence, as the gateway sees it.
    connected = models.BooleanField(default=False)
    last_seen = models.DateTimeField(null=True, blank=True)
    acked = models.PositiveBigIntegerField(default=0)  # its reports up to this number are in the database
    seq = models.PositiveBigIntegerField(default=0)  # the number of its newest instruction; it only grows
    version = models.PositiveIntegerField(default=0)  # of the protocol that it speaks
    dropped = models.PositiveBigIntegerField(default=0)  # how many of its reports answered no instruction of this dashboard
    # What is wrong with this agent itself until a person has dealt with it: code, message, remedy, at. The codes are
    # identity_used_twice and instructions_refused.
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
    """One signed instruction, stored before it is sent. It is dead once its cutover has a newer epoch."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="instructions")
    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="instructions")
    run = models.ForeignKey(DeviceRun, models.CASCADE, related_name="instructions")
    seq = models.PositiveBigIntegerField()  # counts this agent's instructions
    epoch = models.PositiveBigIntegerField()  # the cutover's when it was written
    action = models.CharField(max_length=8)  # "arm", "switch", "undo" or "verify"
    attempt = models.PositiveIntegerField(default=0)  # DeviceRun.asks when it was written
    body = models.TextField()  # JSON, exactly as it was signed
    signature = models.CharField(max_length=128)  # base64
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)  # the first time
    finished_at = models.DateTimeField(null=True, blank=True)  # when its Finished report came

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["run", "epoch", "action", "attempt"], name="one_instruction_per_ask"),
            models.UniqueConstraint(fields=["agent", "seq"], name="one_instruction_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"
