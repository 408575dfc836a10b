"""What a step is. One object per catalogue entry, without state; everything it needs is in the Context."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.host import Host
from agents.protocol import Instruction

LEAST_FREE = 20 * 1024**2  # bytes
Saved = dict[str, Any]
Evidence = dict[str, Any]


@dataclass(slots=True)
class Context:
    """What a step works with. instruction: the one being applied, or, while undoing, the one that applied
    it; limit_s: how long the step may take; saved: what this cutover's steps have saved so far and is not
    undone, by step; notes: facts found while applying, which become evidence; memory: read once, used twice
    in one run of the step."""

    instruction: Instruction
    host: Host
    clock: Clock
    limit_s: float
    saved: dict[str, Saved] = field(default_factory=dict)
    notes: Evidence = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def patience_s(self) -> float:
        """For lookups: a little less than the step's limit, so that the last failure can be reported."""
        return max(self.limit_s - 1.0, self.limit_s / 2)

    @property
    def thumbprint(self) -> str | None:
        """The certificate that must be on the wire, None when this device will not speak TLS."""
        return self.instruction.thumbprint if self.instruction.to_scheme == "https" else None


class Step:
    """check → save → apply → verify, and undo. Each raises StepError when it cannot be done. Doing any of
    them twice has no second effect, because after a crash they are done again."""

    name: ClassVar[str]
    # Whether it only asks over the network and changes nothing: such a wait is cut short by newer orders.
    asks_only: ClassVar[bool] = False
    # Undoing may take longer than applying (starting is slower than stopping); None: the catalogue's limit.
    undo_limit_s: ClassVar[float | None] = None

    async def check(self, ctx: Context) -> bool:
        """Whether everything already is as this step would make it."""
        return False

    async def save(self, ctx: Context) -> Saved | None:
        """What undo needs, as JSON; None when there is nothing to undo. On disk before apply is called."""
        return None

    async def apply(self, ctx: Context) -> None:
        """Make it so."""

    async def verify(self, ctx: Context) -> Evidence:
        """Prove it, by reading back."""
        return {}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        """Put back what was there before. Must also do when apply never happened or only in part."""
        return {}


class SwitchStep(Step):
    """Flips the one setting that says whether this device speaks HTTPS."""

    async def check(self, ctx: Context) -> bool:
        return ctx.host.scheme() == ctx.instruction.to_scheme

    async def save(self, ctx: Context) -> Saved:
        before, switch = ctx.host.settings(), ctx.host.profile.switch.at
        after = self._flipped(ctx, before)
        return {
            "path": switch,
            "old": ctx.host.reading(before).find(switch).text,
            "before": base64.b64encode(before).decode(),
            "after_sha256": _digest(after),
        }

    async def apply(self, ctx: Context) -> None:
        ctx.host.write_settings(self._flipped(ctx, ctx.host.settings()))

    async def verify(self, ctx: Context) -> Evidence:
        data = ctx.host.settings()
        switch = ctx.host.profile.switch
        found = ctx.host.reading(data).find(switch.at)
        now = found.text
        if switch.meaning(found.value) is not (ctx.instruction.to_scheme == "https"):
            raise StepError("settings_overwritten", f"{ctx.host.file} says {now} again", "Close the program's settings window.")
        return {
            "file": ctx.host.file,
            "before": ctx.saved.get(self.name, {}).get("old", now),
            "after": now,
            "scheme": ctx.instruction.to_scheme,
            "sha256": _digest(data),
        }

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        now = ctx.host.settings()
        before = base64.b64decode(saved["before"])
        if now != before:
            # Somebody else has changed other settings since: then only our own value is put back.
            untouched = _digest(now) == saved["after_sha256"]
            back = before if untouched else ctx.host.reading(now).replaced(saved["path"], saved["old"])
            if back != now:
                ctx.host.write_settings(back)
        after = ctx.host.settings()
        value = ctx.host.reading(after).find(saved["path"]).text
        if value != saved["old"]:
            raise StepError(
                "settings_overwritten", f"{ctx.host.file} says {value} again", "Close the program's settings window."
            )
        return {"file": ctx.host.file, "after": value, "identical": after == before}

    def _flipped(self, ctx: Context, data: bytes) -> bytes:
        return ctx.host.reading(data).switched(ctx.instruction.to_scheme == "https")


def check_settings(ctx: Context) -> Evidence:
    """Arming, both roles: there is room for the journal, the settings can be read and rewritten, and the port is the
    expected one."""
    host = ctx.host
    host.kept.forget()  # the inventory that follows tells the device as it was armed, too
    folder = next(place for place in (host.config.state, *host.config.state.parents) if place.exists())
    if (free := host.files.free_bytes(folder)) < LEAST_FREE:
        message = f"the disk has {free // 1024**2} MB left: the agent could not write down how to undo a step"
        raise StepError("disk_full", message, "Free 200 MB on this device, then try again.")
    port, scheme = host.check_port(ctx.instruction.port), host.scheme()
    # Whether rewriting works at all is tried on a neighbour; the file itself stays untouched.
    host.try_settings_folder()
    return {"port": port, "scheme": scheme}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
