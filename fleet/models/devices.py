"""Sites and their devices: one server, many terminals."""

from django.db import models

from agents.catalogue import Restart
from fleet.device_facts.facts import DeviceFacts, SeenTable, ServerFacts, TerminalFacts
from fleet.device_facts.parse import (
    parse,
    parse_restart,
    parse_seen,
    parse_seen_over_tls,
    parse_server,
    parse_terminal,
)

DEFAULT_PORT = 10101  # NetPOS.Net's, for a server whose agent has not told its port


class Site(models.Model):
    """One venue: one server, its terminals, one time zone."""

    name = models.CharField(max_length=100, unique=True)
    zone = models.CharField(max_length=64, default="UTC")  # IANA name
    two_persons = models.BooleanField(default=True, help_text="The approver must be somebody else than the requester.")
    member = models.CharField(max_length=32, default="0")  # the member number that lookups ask for
    epoch = models.PositiveBigIntegerField(default=0)  # the highest that any cutover of this site has used; it only grows
    # A problem of the whole site until a person dismisses it: code, message, remedy.
    warning = models.JSONField(null=True, blank=True)
    last_tick_at = models.DateTimeField(null=True, blank=True)  # when the sweep last looked at its active cutover
    # What keeps failing inside the dashboard for this site: code, message, remedy, since, tries, next_at.
    trouble = models.JSONField(null=True, blank=True)
    rehearsal_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="How old a rehearsal may be at approval; empty: none is asked for."
    )
    rehearse_every_hours = models.PositiveIntegerField(default=0, help_text="0: only by button.")
    # Where the setting is at this site's terminals, in the site's own words; a person at a terminal by hand reads them.
    by_hand_words = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def server(self) -> "Device | None":
        """The site's server, if one was added."""
        return self.devices.filter(kind=Device.Kind.SERVER).first()


class Device(models.Model):
    """A server or a terminal."""

    class Kind(models.TextChoices):
        SERVER = "server"
        TERMINAL = "terminal"

    site = models.ForeignKey(Site, models.CASCADE, related_name="devices")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=100)
    note = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    # A person sets this device in a cutover, even if an agent runs on it. A terminal without an agent is by hand in any case, a
    # server only where it is marked.
    by_hand = models.BooleanField(default=False)
    # The terminal's own IP address, by which the server's agent recognises its connections; "": unknown.
    address = models.CharField(max_length=64, blank=True)
    # The last inventory, which came at inventory_at: what its agent read in the device's settings, and everything else
    # as facts. The device chose these words: pages escape them, and nobody trusts them. A terminal by hand has the scheme
    # that a person last said.
    scheme = models.CharField(max_length=5, blank=True)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    inventory_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="one_device_per_name"),
            models.UniqueConstraint(fields=["site"], condition=models.Q(kind="server"), name="one_server_per_site"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def common_facts(self) -> DeviceFacts:
        """What it told, as far as servers and terminals tell the same. Parsed at each call, as those below."""
        return parse(self.facts)

    @property
    def server_facts(self) -> ServerFacts:
        """What it told as a server."""
        return parse_server(self.facts)

    @property
    def seen_facts(self) -> SeenTable | None:
        """Whom it answered as a server, by its access log; None where there is no log to be read."""
        return parse_seen(self.facts)

    @property
    def seen_over_tls(self) -> SeenTable | None:
        """Which addresses it answered over TLS as a server, by its access log; None as above."""
        return parse_seen_over_tls(self.facts)

    @property
    def terminal_facts(self) -> TerminalFacts:
        """What it told as a terminal."""
        return parse_terminal(self.facts)

    @property
    def restart(self) -> Restart | None:
        """How its agent restarts Touch, by its last inventory; None where it does not. Of a server always None."""
        return parse_restart(self.facts) if self.kind == self.Kind.TERMINAL else None
