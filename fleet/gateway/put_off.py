"""Agents whose reports could not be taken: they are to come again and say them once more, after growing pauses."""

from collections.abc import Callable

LONGEST_S = 60.0


class PutOff:
    """now: seconds by a clock that only goes forward."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tries: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def again(self, agent: str) -> None:
        """What this agent has just said was not taken."""
        if agent not in self._due:
            tries = self._tries[agent] = self._tries.get(agent, 0) + 1
            self._due[agent] = self._now() + min(2.0**tries, LONGEST_S)

    def taken(self, agent: str) -> None:
        """What this agent has said was taken."""
        self._tries.pop(agent, None)
        self._due.pop(agent, None)

    def due(self) -> list[str]:
        """Whose pause is over, each told once."""
        over = [agent for agent, at in self._due.items() if at <= self._now()]
        for agent in over:
            del self._due[agent]
        return over
