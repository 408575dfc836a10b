"""What is to be done after the commit of a service's transaction, as a value. fleet/tasks.py carries it out."""

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Instructions that a worker is to write and sign. If this gets lost on the way, a sweep finds the same.

    Both are primary keys."""

    cutover: int
    runs: tuple[int, ...]


@dataclass(slots=True)
class AfterCommit:
    """What a service leaves to its caller. If it gets lost, that costs time only: the next tick finds the same."""

    dispatch: list[Dispatch] = field(default_factory=list)  # work for the workers
    notify: set[str] = field(default_factory=set)  # agents that have something waiting at the gateway
    changed: set[int] = field(default_factory=set)  # cutovers whose live pages should look again
    dropped: set[str] = field(default_factory=set)  # agents whose connection must end
    rehearse: set[int] = field(default_factory=set)  # rehearsals whose next probes a worker is to write
    inquire: set[int] = field(default_factory=set)  # inquiries that a worker is to write

    def add(self, other: "AfterCommit") -> Self:
        """Put the other's contents into this one, and return this one."""
        self.dispatch += other.dispatch
        self.notify |= other.notify
        self.changed |= other.changed
        self.dropped |= other.dropped
        self.rehearse |= other.rehearse
        self.inquire |= other.inquire
        return self


# Channels of the broker. They only notify: a receiver that misses a message finds the same in the database a moment later.
NOTIFY_CHANNEL = "tillway:notify"  # message: agent ids, separated by spaces
DROP_CHANNEL = "tillway:drop"  # message: agent ids whose connection must end
CHANGED_CHANNEL = "tillway:changed"  # message: the id of a cutover whose live pages should look again
