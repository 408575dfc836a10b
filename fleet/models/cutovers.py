"""A cutover, its device runs, what was done step by step, and every change of state."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from fleet.cutover import states
from fleet.models.devices import Device, Site
from fleet.models.probes import ProbeVersion


def _choices(kind: type[states.Cutover] | type[states.Run]) -> list[tuple[str, str]]:
    return [(s.value, s.value.replace("_", " ")) for s in kind]


class Cutover(models.Model):
    """One planned move of one site from one scheme to another: the plan, and how far it is."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="cutovers")
    from_scheme = models.CharField(max_length=5)  # "http" or "https"
    to_scheme = models.CharField(max_length=5)
    state = models.CharField(max_length=16, choices=_choices(states.Cutover), default=states.Cutover.DRAFT)
    direction = models.CharField(max_length=7, default="forward")  # or "back"
    paused_from = models.CharField(max_length=16, blank=True)  # the state that Resume returns to
    reason = models.CharField(max_length=1000, blank=True)  # of the last change of state
    # The problem it stands at now: code, message, remedy.
    finding = models.JSONField(null=True, blank=True)
    # What first made it pause, roll back or need a person by itself: code, message, remedy, devices. Set once and kept.
    cause = models.JSONField(null=True, blank=True)

    starts_now = models.BooleanField(default=True)  # the window opens when it is approved
    starts_at = models.DateTimeField()
    duration_minutes = models.PositiveIntegerField(default=60)
    ends_at = models.DateTimeField()
    no_return_at = models.DateTimeField(null=True, blank=True)  # after this moment a full rollback no longer fits
    on_window_close = models.CharField(max_length=9, default="hold")  # "finish", "hold" or "roll_back"
    on_threshold = models.CharField(max_length=9, default="roll_back")  # or "pause": when too many terminals failed
    waves = models.JSONField(default=list, blank=True)  # as the API took them
    limits = models.JSONField(default=list, blank=True)  # how many terminals of each wave may fail
    waived = models.JSONField(default=list, blank=True)  # waves whose limit a person chose to ignore by Resume
    window_waived = models.BooleanField(default=False)  # a person chose to go on after no_return_at
    exclude = models.JSONField(default=list, blank=True)  # names of terminals that take no part
    certificate_thumbprint = models.CharField(max_length=40, blank=True)
    # How its proofs ask the server, frozen when it is scheduled. None: by a transport proof.
    probe = models.ForeignKey(ProbeVersion, models.RESTRICT, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    by_hand_minutes = models.PositiveIntegerField(default=15)  # how long a person may take for one device by hand

    # Grows with every change of direction. Agents refuse instructions of an older epoch.
    epoch = models.PositiveBigIntegerField(default=0)
    # Grows with every change that a page should show.
    version = models.PositiveBigIntegerField(default=0)
    server_checked = models.BooleanField(default=False)  # the server passed the last check of `verifying`
    # When the server last answered before it was stopped, in ms since 1970; of a server by hand, when its person was asked.
    # Outages of terminals count from here.
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
    """One device in one cutover."""

    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="runs")
    device = models.ForeignKey(Device, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=8, choices=Device.Kind.choices)
    wave = models.PositiveIntegerField(default=0)  # counted from 0
    state = models.CharField(max_length=11, choices=_choices(states.Run), default=states.Run.PENDING)
    step = models.CharField(max_length=24, blank=True)  # the step that is under way
    attempts = models.PositiveIntegerField(default=0)  # how often it was told to switch
    # A person does what an agent would do; fixed when the cutover begins. Then the last answer: who, when, which words.
    by_hand = models.BooleanField(default=False)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_note = models.CharField(max_length=200, blank=True)
    # What shows that it works: "application" (a lookup was answered), "transport" (TLS and some answer of the service),
    # "person" (somebody says so); "" where nothing does yet.
    proof = models.CharField(max_length=11, blank=True)
    finding = models.JSONField(null=True, blank=True)  # what is wrong with it: code, message, remedy
    outage_ms = models.BigIntegerField(null=True, blank=True)  # from the server's last answer to its first lookup afterwards
    # How long a terminal was without a proven lookup, once that is over; and since when, while it is not over.
    cut_off_ms = models.BigIntegerField(null=True, blank=True)
    cut_off_since = models.DateTimeField(null=True, blank=True)
    # When a verified terminal is asked for its second lookup; None when nothing is due. How often it was asked.
    confirm_at = models.DateTimeField(null=True, blank=True)
    confirms = models.PositiveIntegerField(default=0)
    # The last instruction that is wanted for it, with its epoch; and how many were wanted so far.
    asked_action = models.CharField(max_length=8, blank=True)
    asked_epoch = models.PositiveBigIntegerField(default=0)
    asks = models.PositiveIntegerField(default=0)
    touched = models.BooleanField(default=False)  # a switch was wanted at least once, so there may be something to undo
    deadline_at = models.DateTimeField(null=True, blank=True)  # after this moment its silence counts as a failure
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=0, db_index=True)  # the cutover's version at its last change

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
    evidence = models.JSONField(default=dict)  # what the agent showed: bounded, but somebody else's words

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["run", "seq", "name", "direction"], name="one_row_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.direction}"


class Transition(models.Model):
    """One change of state, append-only."""

    cutover = models.ForeignKey(Cutover, models.CASCADE, related_name="transitions")
    run = models.ForeignKey(DeviceRun, models.CASCADE, null=True, related_name="transitions")  # None: the cutover itself
    device_name = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField(default=timezone.now)
    old = models.CharField(max_length=16, blank=True)
    new = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)  # a person's user name, a device's name, or "plan"
    reason = models.CharField(max_length=1000, blank=True)
    version = models.PositiveBigIntegerField(default=0)  # of the cutover
    # Over this row and the digest of the cutover's row before it, so that a later change of any row can be seen.
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["cutover", "version"])]

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"
