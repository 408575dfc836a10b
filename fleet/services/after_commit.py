"""What is to be done after a service's transaction has been committed, as a value."""

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Instructions that are wanted: a worker writes and signs them. Lost on the way, a sweep finds them."""

    cutover: int
    runs: tuple[int, ...]


@dataclass(slots=True)
class AfterCommit:
    """dispatch: for the workers; notify: agents that have something waiting at the gateway; changed:
    cutovers whose watchers should look again; dropped: agents whose connection must end; rehearse: rehearsals
    of which the next part is to be written."""

    dispatch: list[Dispatch] = field(default_factory=list)
    notify: set[str] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    rehearse: set[int] = field(default_factory=set)

    def add(self, other: "AfterCommit") -> Self:
        """Both together."""
        self.dispatch += other.dispatch
        self.notify |= other.notify
        self.changed |= other.changed
        self.dropped |= other.dropped
        self.rehearse |= other.rehearse
        return self


# Broker channels. Both only notify: who missed one finds the same in the database a moment later.
NOTIFY_CHANNEL = "tillway:notify"  # message: agent ids, separated by spaces
DROP_CHANNEL = "tillway:drop"  # message: agent ids whose connection must end
CHANGED_CHANNEL = "tillway:changed"  # message: the id of a cutover whose watchers should look again
