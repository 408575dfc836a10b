"""One thing that was found on a device."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agents.config import Config, confirmable

MOST_OF_A_KIND = 5  # proposals for one field: with more, a person finds nothing in the list
WORDS = ("netpos", "swiftpos")  # in the name of a service or a file
FOLDERS = ("swiftpos", "samford")  # in the name of a folder
# in_use: the agent uses this already. new: a person may confirm it. fixed: agent.toml names another value, and agent.toml
# counts. told: there is nothing to confirm; it shows that the rest fits together.
State = Literal["in_use", "new", "fixed", "told"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was found, and why it is believed to be right."""

    field: str  # a key of agent.toml, or "port", "host", "reservation"
    value: str
    reason: str  # one plain sentence
    state: State

    def row(self) -> dict[str, Any]:
        """For a message."""
        return asdict(self)


def proposed(config: Config, field: str, value: str, reason: str) -> Proposal:
    """A proposal with its state on this device."""
    if field not in confirmable(config.role):
        return Proposal(field, value, reason, "told")
    current = getattr(config, field)
    if current is not None and _same(current, value):
        return Proposal(field, value, reason, "in_use")
    return Proposal(field, value, reason, "fixed" if field in config.said else "new")


def _same(current: str | Path, value: str) -> bool:
    return current.resolve() == Path(value).resolve() if isinstance(current, Path) else current == value
