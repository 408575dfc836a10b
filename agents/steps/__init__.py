"""The steps of the catalogue: how each is checked, applied, verified and undone."""

from agents.protocol import Role
from agents.steps import server, terminal
from agents.steps.base import Step


def steps(role: Role) -> dict[str, Step]:
    """Every step of this role by its catalogue name."""
    kinds: tuple[type[Step], ...] = server.STEPS if role == "server" else terminal.STEPS
    return {kind.name: kind() for kind in kinds}
