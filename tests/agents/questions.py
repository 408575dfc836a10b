"""Asking the fake server as a step asks it."""

from fake_windows import MEMBER

from agents.hosts import asking
from agents.hosts.host import Host
from agents.lab.dialects import named
from agents.protocol import Instruction

REST = named.of("rest").profile()


async def looked_up(host: Host, member: str = MEMBER, within_s: float = 5.0, probe: str = REST) -> asking.Answered:
    """The answer to a member lookup. Raises StepError."""
    order = Instruction("a1", 1, 1, 7, "verify", "https", (), 0, None, member, 0, 0, probe=probe)
    return await asking.member(host, order, within_s)
