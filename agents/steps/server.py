"""All steps of a server, in the order of agents/catalogue.py. In each class, undo stands right below the apply that it takes
back. Work that is longer, or that several steps share, is in functions: dependents.py, httpsys.py, services.py, switch.py."""

from agents.catalogue import EVERYONE_LISTENS
from agents.errors import StepError
from agents.hosts import asking, netsh, sc, sc_text
from agents.hosts.netsh_text import Binding, Reservation
from agents.steps import dependents, httpsys, services, switch
from agents.steps.base import Context, Evidence, Saved, Step
from agents.steps.services import server

UNDO_STOP_S = 220.0  # starting NetPOS.Net again takes up to 180 s; the rest of the time is for the lookup that proves it
LOOKUP_AFTER_START_S = 39.0


class Ready(Step):
    """Changes nothing. Finds now whatever would fail later."""

    name = "ready"

    async def verify(self, ctx: Context) -> Evidence:
        evidence = switch.check_settings(ctx)
        httpsys.check_certificate(ctx)
        await httpsys.check_port(ctx)
        config = server(ctx).config
        for name in (config.service, config.monitor, *await sc.dependents(config.service)):
            evidence[name] = {"state": (await sc.query(name)).state, "start_type": await sc.start_type(name)}
        return evidence


class HoldMonitor(Step):
    """Disable and stop the Services Monitor first, because it restarts every service that stops."""

    name = "hold_monitor"

    async def check(self, ctx: Context) -> bool:
        return await services.monitor_state(ctx) == {"start_type": "disabled", "running": False}

    async def save(self, ctx: Context) -> Saved:
        return await services.monitor_state(ctx)

    async def apply(self, ctx: Context) -> None:
        await services.hold_monitor(ctx)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await services.put_back(server(ctx).config.monitor, saved)
        return {"after": saved}

    async def verify(self, ctx: Context) -> Evidence:
        return {"before": ctx.saved.get(self.name), "after": await services.monitor_state(ctx)}


class HoldDependents(Step):
    """Stop the services that need NetPOS.Net, because Windows does not stop it while they run."""

    name = "hold_dependents"
    undo_limit_s = 180.0

    async def check(self, ctx: Context) -> bool:
        ctx.memory["running"] = await dependents.running(ctx)
        return not ctx.memory["running"]

    async def save(self, ctx: Context) -> Saved:
        return {"services": [{"name": name, **await services.state(name)} for name in ctx.memory["running"]]}

    async def apply(self, ctx: Context) -> None:
        await dependents.stop(ctx.saved[self.name])

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await dependents.start(saved)
        return {"started": dependents.names(saved)}

    async def verify(self, ctx: Context) -> Evidence:
        if running := await dependents.running(ctx):
            message = f"{', '.join(running)} needs {server(ctx).config.service} and runs again"
            raise StepError("service_has_dependents", message, "Find out what started it, and stop that first.", retryable=True)
        return {"stopped": dependents.names(ctx.saved.get(self.name))}


class StopService(Step):
    """Stop NetPOS.Net. The outage of the site begins here."""

    name = "stop_service"
    undo_limit_s = UNDO_STOP_S

    async def check(self, ctx: Context) -> bool:
        return not await sc.running(server(ctx).config.service)

    async def save(self, ctx: Context) -> Saved:
        # Since the server was armed, the certificate may have expired or gone, and a reservation may have come that cannot
        # be moved. Find that out while the service still runs.
        httpsys.check_certificate(ctx)
        await httpsys.check_port(ctx)
        return {"last_answer_ms": ctx.clock.now_ms()}

    async def apply(self, ctx: Context) -> None:
        stopped = await server(ctx).stop_watched(ctx.clock.now_ms)
        ctx.notes["last_answer_ms"] = stopped.last_answer_ms

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await sc.start(server(ctx).config.service)
        answer = await asking.member(ctx.host, ctx.instruction, LOOKUP_AFTER_START_S)
        return {**answer.evidence(), "scheme": ctx.host.scheme(), "at_ms": ctx.clock.now_ms()}

    async def verify(self, ctx: Context) -> Evidence:
        # After a crash there are no notes. What was saved is close enough: the stop followed it at once.
        before = ctx.saved.get(self.name, {}).get("last_answer_ms", ctx.clock.now_ms())
        return {"last_answer_ms": ctx.notes.get("last_answer_ms", before), "stopped_ms": ctx.clock.now_ms()}


class SwapReservation(Step):
    """Delete the URL reservation of the old scheme and add that of the new one: http.sys serves one scheme on a port."""

    name = "swap_reservation"

    async def check(self, ctx: Context) -> bool:
        rows = ctx.memory["rows"] = httpsys.on_port(ctx, await netsh.reservations())
        return bool(rows) and all(row.scheme == ctx.instruction.to_scheme for row in rows)

    async def save(self, ctx: Context) -> Saved:
        rows: list[Reservation] = ctx.memory["rows"]
        await httpsys.check_reservations(ctx, rows)
        removed, added = httpsys.planned(ctx, rows)
        return {"removed": httpsys.dump(removed), "added": httpsys.dump(added)}

    async def apply(self, ctx: Context) -> None:
        saved = ctx.saved[self.name]
        for row in httpsys.load(saved["removed"]):
            await netsh.delete_reservation(row.url)
        for row in httpsys.load(saved["added"]):
            await netsh.add_reservation(row.url, row.sddl or EVERYONE_LISTENS)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        removed, there = httpsys.load(saved["removed"]), set(await netsh.reservations())
        for row in httpsys.load(saved["added"]):
            if any(other.url == row.url for other in there):
                await netsh.delete_reservation(row.url)
        for row in removed:
            if row not in there:
                if any(other.url == row.url for other in there):
                    await netsh.delete_reservation(row.url)
                await netsh.add_reservation(row.url, row.sddl or EVERYONE_LISTENS)
        rows = httpsys.on_port(ctx, await netsh.reservations())
        if missing := [row.url for row in removed if row not in rows]:
            raise StepError("reservation_wrong", f"{missing[0]} did not come back", "Add it by hand.")
        return {"after": httpsys.shown(rows)}

    async def verify(self, ctx: Context) -> Evidence:
        rows = httpsys.on_port(ctx, await netsh.reservations())
        if not rows or any(row.scheme != ctx.instruction.to_scheme for row in rows):
            message = f"the port has other reservations than planned: {httpsys.shown(rows)}"
            raise StepError("reservation_wrong", message, "Find the program that changes reservations on this port.")
        removed = httpsys.load(ctx.saved.get(self.name, {}).get("removed", []))
        return {"before": httpsys.shown(removed), "after": httpsys.shown(rows)}


class BindCertificate(Step):
    """Bind the certificate to the port. On the way to HTTP: delete the binding that the agent made."""

    name = "bind_certificate"

    async def check(self, ctx: Context) -> bool:
        rows = ctx.memory["rows"] = await netsh.bindings(ctx.instruction.port)
        httpsys.check_owner(ctx, rows)
        return httpsys.as_wanted(ctx, rows)

    async def save(self, ctx: Context) -> Saved:
        httpsys.check_certificate(ctx)
        rows: tuple[Binding, ...] = ctx.memory["rows"]
        ours = [row for row in rows if netsh.ours(row)]
        return {"removed": httpsys.dump(ours), "added": httpsys.dump(httpsys.wanted(ctx))}

    async def apply(self, ctx: Context) -> None:
        rows: tuple[Binding, ...] = ctx.memory["rows"]
        wanted = httpsys.wanted(ctx)
        for row in rows:
            if netsh.ours(row) and not any(netsh.same(row, other) for other in wanted):
                await netsh.delete_binding(row)
        for row in wanted:
            await netsh.add_binding(row)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        removed = [Binding(**row) for row in saved["removed"]]
        for row in (Binding(**row) for row in saved["added"]):
            there = await netsh.bindings(row.port)
            # If the row was there before this step, apply never happened: then it is not ours to delete.
            if any(netsh.same(other, row) for other in there) and not any(netsh.same(old, row) for old in removed):
                await netsh.delete_binding(row)
        for row in removed:
            await netsh.add_binding(row)
        rows = await netsh.bindings(ctx.instruction.port)
        if missing := [row.endpoint for row in removed if not any(netsh.same(row, other) for other in rows)]:
            raise StepError("binding_wrong", f"{missing[0]} did not come back", "Bind the old certificate by hand.")
        return {"after": httpsys.dump(rows)}

    async def verify(self, ctx: Context) -> Evidence:
        rows = await netsh.bindings(ctx.instruction.port)
        if not httpsys.as_wanted(ctx, rows):
            message = f"the port has other bindings than planned: {httpsys.dump(rows)}"
            raise StepError("binding_wrong", message, "Find the program that changes certificate bindings on this port.")
        return {"before": ctx.saved.get(self.name, {}).get("removed", []), "after": httpsys.dump(rows)}


class UseSsl(Step):
    """Set the tick "Use SSL" in NetPOS.Net's settings. The service reads it when it starts."""

    name = "use_ssl"

    async def check(self, ctx: Context) -> bool:
        return switch.is_set(ctx)

    async def save(self, ctx: Context) -> Saved:
        return switch.saved(ctx)

    async def apply(self, ctx: Context) -> None:
        switch.set_scheme(ctx)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        return switch.put_back(ctx, saved)

    async def verify(self, ctx: Context) -> Evidence:
        return switch.proof(ctx, ctx.saved.get(self.name))


class StartService(Step):
    """Start NetPOS.Net with the new settings."""

    name = "start_service"
    takes_back = StopService.name

    async def check(self, ctx: Context) -> bool:
        status = ctx.memory["status"] = await sc.query(server(ctx).config.service)
        return status.state == sc_text.RUNNING

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await sc.start(server(ctx).config.service, ctx.memory["status"])

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await sc.stop(server(ctx).config.service)
        return {"stopped_ms": ctx.clock.now_ms()}

    async def verify(self, ctx: Context) -> Evidence:
        return {"running_ms": ctx.clock.now_ms()}


class VerifyServer(Step):
    """A service that runs may not listen yet: try TCP, TLS with exactly this certificate, and a member lookup."""

    name = "verify_server"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await asking.member(ctx.host, ctx.instruction, ctx.patience_s, ctx.thumbprint)
        return {**answer.evidence(), "at_ms": ctx.clock.now_ms()}


class ReleaseDependents(Step):
    """Start the services that HoldDependents stopped."""

    name = "release_dependents"
    takes_back = HoldDependents.name

    async def check(self, ctx: Context) -> bool:
        before = ctx.saved.get(HoldDependents.name)
        return before is None or set(dependents.names(before)) <= set(await dependents.running(ctx))

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await dependents.start(ctx.saved[HoldDependents.name])

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        held = ctx.saved.get(HoldDependents.name)
        await dependents.stop(held)  # so that NetPOS.Net can be stopped once more
        return {"stopped": dependents.names(held)}

    async def verify(self, ctx: Context) -> Evidence:
        return {"started": dependents.names(ctx.saved.get(HoldDependents.name))}


class ReleaseMonitor(Step):
    """Give the Services Monitor back the start type and state that it had before HoldMonitor."""

    name = "release_monitor"
    takes_back = HoldMonitor.name

    async def check(self, ctx: Context) -> bool:
        before = ctx.saved.get(HoldMonitor.name)
        return before is None or before == await services.monitor_state(ctx)

    async def save(self, ctx: Context) -> Saved:
        return {}

    async def apply(self, ctx: Context) -> None:
        await services.put_back(server(ctx).config.monitor, ctx.saved[HoldMonitor.name])

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        await services.hold_monitor(ctx)  # so that it does not disturb the undoing of the steps before this one
        return {"held": True}

    async def verify(self, ctx: Context) -> Evidence:
        return {"after": await services.monitor_state(ctx)}


STEPS: tuple[type[Step], ...] = (
    Ready, HoldMonitor, HoldDependents, StopService, SwapReservation, BindCertificate, UseSsl, StartService, VerifyServer,
    ReleaseDependents, ReleaseMonitor,
)  # fmt: skip
