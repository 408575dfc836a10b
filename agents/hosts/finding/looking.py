"""What is proposed on this device."""

from agents.config import Config
from agents.hosts.finding import server, terminal
from agents.hosts.finding.proposal import Proposal

MAX_VALUE, MAX_REASON = 1000, 600  # characters


async def find(config: Config) -> list[Proposal]:
    """Look on this device by the role of its agent. A value that does not fit into a message is left out. Raises StepError
    or OSError when Windows' programs or tables cannot be read."""
    found = await (server if config.role == "server" else terminal).find(config)
    fitting = [one for one in found if len(one.value) <= MAX_VALUE and one.value.isprintable()]
    return [Proposal(one.field, one.value, one.reason[:MAX_REASON], one.state) for one in fitting]
