"""What a step is: one class for each entry of the catalogue. A step object keeps no state; what it needs is in the Context."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from agents.clock import Clock
from agents.hosts.host import Host
from agents.protocol import Instruction

Saved = dict[str, Any]
Evidence = dict[str, Any]


@dataclass(slots=True)
class Context:
    """What a step works with, made anew for each run of a step."""

    instruction: Instruction  # the one that is applied; while undoing, the one that was applied then
    host: Host
    clock: Clock
    limit_s: float  # how long the step may take
    saved: dict[str, Saved] = field(default_factory=dict)  # by step: what this cutover has saved and not undone
    notes: Evidence = field(default_factory=dict)  # facts found while applying, for verify to report
    memory: dict[str, Any] = field(default_factory=dict)  # read in check, used again in save and apply

    @property
    def patience_s(self) -> float:
        """For lookups: a little less than the step's limit, so that the last failure can be reported."""
        return max(self.limit_s - 1.0, self.limit_s / 2)

    @property
    def thumbprint(self) -> str | None:
        """The certificate that the server must present, None when the device will not use TLS."""
        return self.instruction.thumbprint if self.instruction.to_scheme == "https" else None


class Step:
    """Forward: check → save → apply → verify. Back: undo. Each raises StepError when it fails. After a crash each is run again,
    and the second run must have no further effect. A step that changes nothing has only a verify."""

    name: ClassVar[str]
    # True if the step only asks over the network and changes nothing: a newer order may interrupt it.
    asks_only: ClassVar[bool] = False
    # The earlier step that this one takes back. Undoing this one only prepares the undo of that one, so once that one is
    # undone, there is nothing left to undo here: a second attempt would take back what has just been put right.
    takes_back: ClassVar[str | None] = None
    # The time limit of undo, if it differs from the catalogue's (starting a service is slower than stopping it).
    undo_limit_s: ClassVar[float | None] = None

    async def check(self, ctx: Context) -> bool:
        """Whether everything already is as this step would make it. Then save and apply are left out."""
        return False

    async def save(self, ctx: Context) -> Saved | None:
        """What undo needs, as JSON; None if there is nothing to undo. It is on disk before apply is called."""
        return None

    async def apply(self, ctx: Context) -> None:
        """Make the change."""

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        """Put back what was there before. Must also work if apply never happened or was interrupted."""
        return {}

    async def verify(self, ctx: Context) -> Evidence:
        """Prove the change by reading it back."""
        return {}
