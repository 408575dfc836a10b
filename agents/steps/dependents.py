"""The services that need NetPOS.Net. Windows does not stop NetPOS.Net while they run (error 1051). The agent stops those that
run and, once NetPOS.Net answers again, starts exactly those, in the opposite order. Everything here raises StepError."""

from agents.hosts import sc
from agents.steps import services
from agents.steps.base import Context, Saved
from agents.steps.services import server


async def running(ctx: Context) -> list[str]:
    """Those that run, in the order in which they have to be stopped."""
    names = await sc.dependents(server(ctx).config.service)
    return [name for name in names if await sc.running(name)]


async def stop(saved: Saved | None) -> None:
    """Stop those that HoldDependents saved."""
    for name in names(saved):
        await sc.stop(name)


async def start(saved: Saved) -> None:
    """Start those that HoldDependents saved: the one that was stopped last is started first."""
    for row in reversed(saved["services"]):
        if row["start_type"] == "disabled":
            await services.put_back(row["name"], row)  # it ran although it was disabled
        else:
            await sc.start(row["name"])


def names(saved: Saved | None) -> list[str]:
    """The names that HoldDependents saved; empty if it had nothing to stop."""
    return [row["name"] for row in saved["services"]] if saved else []
