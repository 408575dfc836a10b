"""What the server's steps do to Windows services, whichever they are."""

from typing import cast

from agents.hosts import sc
from agents.hosts.host import ServerHost
from agents.steps.base import Context, Saved


def server(ctx: Context) -> ServerHost:
    """The context's host, which for these steps is a server's."""
    return cast(ServerHost, ctx.host)


async def state(name: str) -> Saved:
    """How this service starts and whether it runs. Raises StepError."""
    return {"start_type": await sc.start_type(name), "running": await sc.running(name)}


async def put_back(name: str, saved: Saved) -> None:
    """Give this service the start type and state back that state() told. Raises StepError."""
    kind = saved["start_type"]
    if saved["running"]:
        # It may have run although it was disabled; but what is disabled cannot be started.
        await sc.set_start_type(name, "demand" if kind == "disabled" else kind)
        await sc.start(name)
    else:
        await sc.stop(name)
    if not saved["running"] or kind == "disabled":
        await sc.set_start_type(name, kind)
