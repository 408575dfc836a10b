"""All steps of a terminal, in the order of agents/catalogue.py. The work on the settings is in switch.py,
that on Touch as a program in touch.py."""

from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.touch.program import not_started
from agents.steps import switch, touch
from agents.steps.base import Context, Evidence, Saved, Step


class Ready(Step):
    """Changes nothing. After it, the terminal can be switched at any moment."""

    name = "ready"

    async def verify(self, ctx: Context) -> Evidence:
        evidence = switch.check_settings(ctx)
        ctx.host.target(None)  # raises unless host and timeout can be read, too
        return {**evidence, **await touch.check(ctx)}


class Secured(Step):
    """Set the tick "Secured" in Touch's settings. Where Touch is restarted, it is closed first: it would write its old settings
    back when it ends."""

    name = "secured"

    async def check(self, ctx: Context) -> bool:
        return switch.is_set(ctx) and await touch.read_since(ctx)

    async def save(self, ctx: Context) -> Saved:
        return {**switch.saved(ctx), **await touch.saved(ctx)}

    async def apply(self, ctx: Context) -> None:
        await touch.close(ctx)
        switch.set_scheme(ctx)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        if touch.how(ctx) == "never":
            return switch.put_back(ctx, saved)
        if touch.how(ctx) == "reboot":
            return await touch.reboot_again(ctx, saved)
        # Touch is started after this, so only if an earlier process has come as far may it have started Touch, too.
        try:
            was_back = switch.is_back(ctx, saved)
            if not was_back:
                await touch.close_to_undo(ctx)
            evidence = switch.put_back(ctx, saved)
        except StepError:
            await touch.start_again(ctx, saved)  # a closed Touch sells nothing, one with a wrong setting does
            raise
        return {**evidence, "started": await touch.start_again(ctx, saved, maybe_started=was_back)}

    async def verify(self, ctx: Context) -> Evidence:
        return switch.proof(ctx, ctx.saved.get(self.name))


class RestartTouch(Step):
    """Start Touch, which `secured` has closed, or restart the machine. Only for terminals whose profile says so."""

    name = "restart_touch"
    takes_back = Secured.name

    async def check(self, ctx: Context) -> bool:
        before = ctx.saved.get(Secured.name)
        if before is None or touch.KEY not in before:
            return True  # the settings were right already, or Touch is not restarted here
        if touch.how(ctx) == "reboot":
            return self._rebooted(ctx) and switch.is_set(ctx)
        running = (await touch.terminal(ctx).touch.state()).running
        return not touch.ran(before) or bool(running and await touch.read_since(ctx))

    async def save(self, ctx: Context) -> Saved:
        ctx.memory["new"] = True
        return {"boot": touch.terminal(ctx).touch.boot() if touch.how(ctx) == "reboot" else None}

    async def apply(self, ctx: Context) -> None:
        if touch.how(ctx) == "reboot":
            await (touch.set_again(ctx) if self._rebooted(ctx) else touch.reboot(ctx))
            return
        if not await touch.read_since(ctx):
            await touch.close(ctx)  # something has started it before its settings were changed
        if not switch.is_set(ctx):
            switch.set_scheme(ctx)
        await touch.start(ctx, maybe_started="new" not in ctx.memory)

    async def undo(self, ctx: Context, saved: Saved) -> Evidence:
        if saved["boot"] is not None:
            touch.owe_reboot(ctx, saved["boot"])
            return {}
        return {"closed": await touch.close_to_undo(ctx)}

    async def verify(self, ctx: Context) -> Evidence:
        state = await touch.terminal(ctx).touch.state()
        if touch.how(ctx) == "program" and touch.ran(ctx.saved.get(Secured.name)) and not state.running:
            raise not_started("it has ended again")
        touch.forget_owed(ctx)
        return {**switch.proof(ctx, ctx.saved.get(Secured.name)), "running": state.running, "since_ms": state.since_ms}

    def _rebooted(self, ctx: Context) -> bool:
        """Whether the machine has started since this step began."""
        mine = ctx.saved.get(self.name)
        return mine is not None and mine["boot"] != touch.terminal(ctx).touch.boot()


class InterfaceList(Step):
    """Read the server's interface list: it changes nothing, and succeeds only with the right scheme, trust and name. At a
    site without a probe profile this is a transport proof."""

    name = "interface_list"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await asking.interfaces(ctx.host, ctx.instruction, ctx.patience_s, ctx.thumbprint)
        return answer.evidence()


class MemberLookup(Step):
    """Look up a member. It proves that this terminal works, and ends its outage."""

    name = "member_lookup"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await asking.member(ctx.host, ctx.instruction, ctx.patience_s, ctx.thumbprint)
        return {**answer.evidence(), "at_ms": ctx.clock.now_ms()}


STEPS: tuple[type[Step], ...] = (Ready, Secured, RestartTouch, InterfaceList, MemberLookup)
