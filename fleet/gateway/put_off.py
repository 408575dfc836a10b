"""Agents whose reports could not be stored: they are to connect again and send them once more, after growing pauses."""

from collections.abc import Callable

LONGEST_S = 60.0  # of one pause


class PutOff:
    """When to ask which agent again. now: seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tries: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def again(self, agent: str) -> None:
        """This agent's reports were not stored."""
        if agent not in self._due:
            tries = self._tries[agent] = self._tries.get(agent, 0) + 1
            self._due[agent] = self._now() + min(2.0**tries, LONGEST_S)

    def taken(self, agent: str) -> None:
        """This agent's reports were stored."""
        self._tries.pop(agent, None)
        self._due.pop(agent, None)

    def due(self) -> list[str]:
        """The agents whose pause is over. Each is returned once."""
        over = [agent for agent, at in self._due.items() if at <= self._now()]
        for agent in over:
            del self._due[agent]
        return over
