"""Work on Windows services that several of the server's steps share. Everything here raises StepError when it fails."""

from typing import cast

from agents.hosts import sc
from agents.hosts.host import ServerHost
from agents.steps.base import Context, Saved


def server(ctx: Context) -> ServerHost:
    """The context's host. In a server's steps it is always a ServerHost."""
    return cast(ServerHost, ctx.host)


async def state(name: str) -> Saved:
    """The service's start type, and whether it runs."""
    return {"start_type": await sc.start_type(name), "running": await sc.running(name)}


async def put_back(name: str, saved: Saved) -> None:
    """Give this service the start type and state that state() returned before."""
    kind = saved["start_type"]
    if saved["running"]:
        # Windows does not start a disabled service, but a service may have been disabled while it ran: enable it, start
        # it, and disable it again below.
        await sc.set_start_type(name, "demand" if kind == "disabled" else kind)
        await sc.start(name)
    else:
        await sc.stop(name)
    if not saved["running"] or kind == "disabled":
        await sc.set_start_type(name, kind)


async def monitor_state(ctx: Context) -> Saved:
    """The Services Monitor's start type, and whether it runs."""
    return await state(server(ctx).config.monitor)


async def hold_monitor(ctx: Context) -> None:
    """Keep the Services Monitor from restarting anything."""
    monitor = server(ctx).config.monitor
    await sc.set_start_type(monitor, "disabled")  # before the stop, or it could start again at once
    await sc.stop(monitor)
