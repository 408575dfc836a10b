"""A till's steps: Secured, refresh the interface list, look a member up."""

from agents.steps.base import Context, Evidence, Step, SwitchStep, check_settings


class Ready(Step):
    """Nothing is changed; can be switched at any moment from here on."""

    name = "ready"

    async def verify(self, ctx: Context) -> Evidence:
        evidence = check_settings(ctx)
        ctx.host.target(None)  # host and timeout can be read too
        return evidence


class Secured(SwitchStep):
    """The tick "Secured" in Touch's settings."""

    name = "secured"


class InterfaceList(Step):
    """A harmless read from end to end: it needs the right scheme, trust and name."""

    name = "interface_list"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await ctx.host.interfaces(ctx.patience_s, ctx.thumbprint)
        return {**answer.evidence(), "interfaces": len(answer.data)}


class MemberLookup(Step):
    """The proof that this till works: it ends the till's outage."""

    name = "member_lookup"
    asks_only = True

    async def verify(self, ctx: Context) -> Evidence:
        answer = await ctx.host.lookup(ctx.instruction.member, ctx.patience_s, ctx.thumbprint)
        return {**answer.evidence(), "at_ms": ctx.clock.now_ms()}


STEPS: tuple[type[Step], ...] = (Ready, Secured, InterfaceList, MemberLookup)
