"""The server's steps that deal with NetPOS.Net and its monitor. What deals with http.sys stands in httpsys.py, what
deals with the services that need NetPOS.Net in dependents.py."""

from agents.hosts import httpsys_registry, netsh, sc, sc_text
from agents.steps import services
from agents.steps.base import Context, Evidence, Saved, Step, SwitchStep, check_settings
from agents.steps.dependents import HoldDependents, ReleaseDependents
from agents.steps.httpsys import BindCertificate, SwapReservation, check_bindings, check_certificate, check_reservations
from agents.steps.services import server

START_AND_ANSWER_S = 220.0


class Ready(Step):
    """Nothing is changed; everything that would fail later is found now."""

    name = "ready"

    async def verify(self, ctx: Context) -> Evidence:
        evidence = check_settings(ctx)
        check_certificate(ctx)
        await check_httpsys(ctx)
        dependents = await sc.dependents(server(ctx).config.service)
        for name in (server(ctx).config.service, server(ctx).config.monitor, *dependents):
            evidence[name] = {"state": (await sc.query(name)).state, "start_type": await sc.start_type(name)}
        return evidence


class HoldMonitor(Step):
    """The Services Monitor restarts what stops, so it is disabled and stopped first."""

    name = "hold_monitor"

    async def check(self, ctx: Context) -> bool:
        return await monitor_state(ctx) == {"start_type": "disabled", "running": False}

    async def save(self, ctx: Context) -> Saved:
        return await monitor_state(ctx)

    async def apply(self, ctx: Context) -> None:
        await hold(ctx)

    async def verify(self, ctx: Context) -> Evidence:
        return {"before": ctx.saved.get(self.name), "after": await monitor_state(ctx)}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await put_back(ctx, saved)
        return {"after": saved}


class StopService(Step):
    """From here on nobody is served."""

    name = "stop_service"
    undo_limit_s = START_AND_ANSWER_S

    async def check(self, ctx: Context) -> bool:
        return not await sc.running(server(ctx).config.service)

    async def save(self, ctx: Context) -> Saved:
        # Once more: nobody is cut off for a certificate that has gone or expired meanwhile, or for a reservation that has
        # come and cannot be moved.
        check_certificate(ctx)
        await check_httpsys(ctx)
        return {"last_answer_ms": ctx.clock.now_ms()}

    async def apply(self, ctx: Context) -> None:
        stopped = await server(ctx).stop_watched(ctx.clock.now_ms)
        ctx.notes["last_answer_ms"] = stopped.last_answer_ms

    async def verify(self, ctx: Context) -> Evidence:
        # Resumed after a crash: the service had been asked to stop right after this was saved.
        before = ctx.saved.get(self.name, {}).get("last_answer_ms", ctx.clock.now_ms())
        return {"last_answer_ms": ctx.notes.get("last_answer_ms", before), "stopped_ms": ctx.clock.now_ms()}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await sc.start(server(ctx).config.service)
        answer = await ctx.host.lookup(ctx.instruction.member, ctx.patience_s - 180)
        return {**answer.evidence(), "scheme": ctx.host.scheme(), "at_ms": ctx.clock.now_ms()}


class UseSsl(SwitchStep):
    """The tick "Use SSL" in NetPOS.Net's settings, read by the service when it starts."""

    name = "use_ssl"


class StartService(Step):
    """Start NetPOS.Net with the new settings."""

    name = "start_service"

    async def check(self, ctx: Context) -> bool:
        status = ctx.memory["status"] = await sc.query(server(ctx).config.service)
        return status.state == sc_text.RUNNING

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await sc.start(server(ctx).config.service, ctx.memory["status"])

    async def verify(self, ctx: Context) -> Evidence:
        return {"running_ms": ctx.clock.now_ms()}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await sc.stop(server(ctx).config.service)
        return {"stopped_ms": ctx.clock.now_ms()}


class VerifyServer(Step):
    """Running is not listening: TCP, TLS with this very certificate, and a member lookup."""

    name = "verify_server"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await ctx.host.lookup(ctx.instruction.member, ctx.patience_s, ctx.thumbprint)
        return {**answer.evidence(), "at_ms": ctx.clock.now_ms()}


class ReleaseMonitor(Step):
    """The Services Monitor works again as it did before."""

    name = "release_monitor"

    async def check(self, ctx: Context) -> bool:
        before = ctx.saved.get(HoldMonitor.name)
        return before is None or before == await monitor_state(ctx)

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await put_back(ctx, ctx.saved[HoldMonitor.name])

    async def verify(self, ctx: Context) -> Evidence:
        return {"after": await monitor_state(ctx)}

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await hold(ctx)  # so that the steps before this one can be undone without being disturbed
        return {"held": True}


async def check_httpsys(ctx: Context) -> None:
    """Everything that http.sys has on the port is understood, is ours to change, and can be put back. Raises StepError."""
    port = ctx.instruction.port
    reservations, bindings = await netsh.reservations(), await netsh.bindings(port)
    httpsys_registry.compare(httpsys_registry.read(), port, bindings, reservations)
    check_bindings(ctx, bindings)
    await check_reservations(ctx, reservations)


async def monitor_state(ctx: Context) -> Saved:
    """How the monitor starts and whether it runs. Raises StepError."""
    return await services.state(server(ctx).config.monitor)


async def hold(ctx: Context) -> None:
    """Keep the monitor from restarting anything. Raises StepError."""
    monitor = server(ctx).config.monitor
    await sc.set_start_type(monitor, "disabled")  # first, or it could come back by itself
    await sc.stop(monitor)


async def put_back(ctx: Context, saved: Saved) -> None:
    """Give the monitor its start type and state back. Raises StepError."""
    await services.put_back(server(ctx).config.monitor, saved)


STEPS: tuple[type[Step], ...] = (
    Ready, HoldMonitor, HoldDependents, StopService, SwapReservation, BindCertificate, UseSsl, StartService, VerifyServer,
    ReleaseDependents, ReleaseMonitor,
)  # fmt: skip
