"""All steps of a terminal, in the order of agents/catalogue.py. The work on the settings is in switch.py."""

from agents.hosts import asking
from agents.steps import switch
from agents.steps.base import Context, Evidence, Saved, Step


class Ready(Step):
    """Changes nothing. After it, the terminal can be switched at any moment."""

    name = "ready"

    async def verify(self, ctx: Context) -> Evidence:
        evidence = switch.check_settings(ctx)
        ctx.host.target(None)  # raises unless host and timeout can be read, too
        return evidence


class Secured(Step):
    """Set the tick "Secured" in Touch's settings."""

    name = "secured"

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


STEPS: tuple[type[Step], ...] = (Ready, Secured, InterfaceList, MemberLookup)
