"""A cutover, its device runs, what was done step by step, and every change of state."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.cutover import states
from fleet.models.devices import Device, Site


def _choices(kind: type[states.Cutover] | type[states.Run]) -> list[tuple[str, str]]:
    return [(s.value, s.value.replace("_", " ")) for s in kind]


class Cutover(models.Model):
    """One planned move of one site from one scheme to another. version grows with every change that a
    watcher should see; epoch with every change of direction; settings in waves as the API took them; cause: what first
    made it pause, roll back or need a person by itself (code, message, remedy, devices), set once and kept."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="cutovers")
    from_scheme = models.CharField(max_length=5)
    to_scheme = models.CharField(max_length=5)
    state = models.CharField(max_length=16, choices=_choices(states.Cutover), default=states.Cutover.DRAFT)
    direction = models.CharField(max_length=7, default="forward")
    paused_from = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    finding = models.JSONField(null=True, blank=True)
    cause = models.JSONField(null=True, blank=True)

    starts_now = models.BooleanField(default=True)
    starts_at = models.DateTimeField()
    duration_minutes = models.PositiveIntegerField(default=60)
    ends_at = models.DateTimeField()
    no_return_at = models.DateTimeField(null=True, blank=True)
    on_window_close = models.CharField(max_length=9, default="hold")
    on_threshold = models.CharField(max_length=9, default="roll_back")
    waves = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=list, blank=True)
    waived = models.JSONField(default=list, blank=True)
    window_waived = models.BooleanField(default=False)
    exclude = models.JSONField(default=list, blank=True)
    certificate_thumbprint = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)

    epoch = models.PositiveBigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    server_checked = models.BooleanField(default=False)
    last_answer_ms = models.BigIntegerField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["site"],
                condition=models.Q(state__in=sorted(states.ACTIVE)),
                name="one_active_cutover_per_site",
            ),
        ]

    def __str__(self) -> str:
        return f"cutover {self.pk} of {self.site} to {self.to_scheme}"

    @property
    def is_active(self) -> bool:
        """Whether it may still act by itself."""
        return self.state in states.ACTIVE


class DeviceRun(models.Model):
    """One device in one cutover. asked_*: the last instruction wanted for it and its epoch; asks: how
    many were wanted so far; attempts: how often it was told to switch; deadline_at: when its silence
    counts; version: the cutover's version of its last change; cut_off_since: since when a terminal has had no proven
    lookup, None while it has one; cut_off_ms: how long that lasted, once it is over; confirm_at: when a verified
    terminal is asked for its second lookup, None when nothing is due; confirms: how many were asked for."""

    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="runs")
    device = models.ForeignKey(Device, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=8, choices=Device.Kind.choices)
    wave = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=11, choices=_choices(states.Run), default=states.Run.PENDING)
    step = models.CharField(max_length=24, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    finding = models.JSONField(null=True, blank=True)
    outage_ms = models.BigIntegerField(null=True, blank=True)
    cut_off_ms = models.BigIntegerField(null=True, blank=True)
    cut_off_since = models.DateTimeField(null=True, blank=True)
    confirm_at = models.DateTimeField(null=True, blank=True)
    confirms = models.PositiveIntegerField(default=0)
    asked_action = models.CharField(max_length=8, blank=True)
    asked_epoch = models.PositiveBigIntegerField(default=0)
    asks = models.PositiveIntegerField(default=0)
    touched = models.BooleanField(default=False)
    deadline_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=0, db_index=True)

    class Meta:
        ordering = ("kind", "device__name", "id")
        constraints = [models.UniqueConstraint(fields=["cutover", "device"], name="one_run_per_device")]

    def __str__(self) -> str:
        return f"{self.device} in {self.cutover_id}: {self.state}"


class StepRun(models.Model):
    """One step that an agent applied (forward) or undid (back), with its evidence."""

    run = models.ForeignKey(DeviceRun, models.CASCADE, related_name="steps")
    epoch = models.PositiveBigIntegerField()
    seq = models.PositiveBigIntegerField()
    name = models.CharField(max_length=24)
    direction = models.CharField(max_length=7)
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["run", "seq", "name", "direction"], name="one_row_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.direction}"


class Transition(models.Model):
    """One change of state, append-only; run is None for the cutover's own. digest chains each row of a
    cutover to the one before it, so that a change made afterwards shows."""

    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="transitions")
    run = models.ForeignKey(DeviceRun, models.CASCADE, null=True, related_name="transitions")
    device_name = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField(default=timezone.now)
    old = models.CharField(max_length=16, blank=True)
    new = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=1000, blank=True)
    version = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["cutover", "version"])]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"
