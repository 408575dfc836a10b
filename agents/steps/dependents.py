"""The services that need NetPOS.Net: Windows does not stop it while they run (error 1051). They are stopped first and,
once it answers again, exactly those that ran are started, the last one stopped first (windows-domain.md section 4)."""

from agents.errors import StepError
from agents.hosts import sc
from agents.steps import services
from agents.steps.base import Context, Evidence, Saved, Step
from agents.steps.services import server


class HoldDependents(Step):
    """While everybody is still served: only then may NetPOS.Net stop."""

    name = "hold_dependents"
    undo_limit_s = 180.0

    async def check(self, ctx: Context) -> bool:
        ctx.memory["running"] = await _running(ctx)
        return not ctx.memory["running"]

    async def save(self, ctx: Context) -> Saved:
        return {"services": [{"name": name, **await services.state(name)} for name in ctx.memory["running"]]}

    async def apply(self, ctx: Context) -> None:
        for row in ctx.saved[self.name]["services"]:
            await sc.stop(row["name"])

    async def verify(self, ctx: Context) -> Evidence:
        if running := await _running(ctx):
            message = f"{', '.join(running)} needs {server(ctx).config.service} and runs again"
            raise StepError("service_has_dependents", message, "Find out what started it, and stop that first.", retryable=True)
        return {"stopped": _names(ctx.saved.get(self.name))}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await _start(saved)
        return {"started": _names(saved)}


class ReleaseDependents(Step):
    """Those that ran before run again."""

    name = "release_dependents"

    async def check(self, ctx: Context) -> bool:
        before = ctx.saved.get(HoldDependents.name)
        return before is None or set(_names(before)) <= set(await _running(ctx))

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await _start(ctx.saved[HoldDependents.name])

    async def verify(self, ctx: Context) -> Evidence:
        return {"started": _names(ctx.saved.get(HoldDependents.name))}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        held = ctx.saved.get(HoldDependents.name)  # so that NetPOS.Net can be stopped once more
        for name in _names(held):
            await sc.stop(name)
        return {"stopped": _names(held)}


async def _running(ctx: Context) -> list[str]:
    """In the order in which they have to be stopped. Raises StepError."""
    names = await sc.dependents(server(ctx).config.service)
    return [name for name in names if await sc.running(name)]


async def _start(saved: Saved) -> None:
    for row in reversed(saved["services"]):
        if row["start_type"] == "disabled":
            await services.put_back(row["name"], row)  # it ran although it was disabled
        else:
            await sc.start(row["name"])


def _names(saved: Saved | None) -> list[str]:
    return [row["name"] for row in saved["services"]] if saved else []
