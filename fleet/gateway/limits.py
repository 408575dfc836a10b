"""How much one agent may say. Whoever says more costs itself its connection, and nobody else anything.

The bounds are generous: a whole cutover with retries is some hundred messages and a rehearsal two, and an inventory comes
after each connection of a till whose network comes and goes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from agents import protocol

MESSAGES, MESSAGES_A_SECOND = 3000, 20.0
BYTES, BYTES_A_SECOND = 32 * 1024 * 1024, 256 * 1024.0
HELLO = 5.0  # messages that a connection costs: it is written down, and what waits is said again
STRANGERS = 500  # connections that have not said yet who they are
EVIDENCE_BYTES = 32 * 1024
REMEMBERED = 1000


@dataclass(slots=True)
class Bucket:
    """Holds `size`, and is filled again by `a_second`."""

    size: float
    a_second: float
    left: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.left = self.size

    def take(self, amount: float, now: float, *, least: float = 0) -> bool:
        """Whether there was so much in it, or `least`; then the amount is taken out."""
        if self.at is not None:
            self.left = min(self.size, self.left + (now - self.at) * self.a_second)
        self.at = now
        if max(amount, least) > self.left:
            return False
        self.left -= amount
        return True

    def is_full(self, now: float) -> bool:
        """Whether it would be by now."""
        return self.at is None or self.left + (now - self.at) * self.a_second >= self.size


class Allowances:
    """What each agent may still say, whichever connections it says it on."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._of: dict[str, tuple[Bucket, Bucket]] = {}

    def is_spent(self, agent: str) -> bool:
        """Whether this agent may say nothing at this moment."""
        return agent in self._of and not self._of[agent][0].take(0.0, self._now(), least=HELLO)

    def spend(self, agent: str, size: int, messages: float = 1) -> bool:
        """One message of so many bytes. False: it was one too many."""
        now = self._now()
        if agent not in self._of:
            self._tidy(now)
            self._of[agent] = Bucket(MESSAGES, MESSAGES_A_SECOND), Bucket(BYTES, BYTES_A_SECOND)
        counted, octets = self._of[agent]
        return counted.take(messages, now) and octets.take(size, now)

    def _tidy(self, now: float) -> None:
        if len(self._of) >= REMEMBERED:
            self._of = {a: both for a, both in self._of.items() if not all(one.is_full(now) for one in both)}


class WaitingRoom:
    """Those who have not said who they are. Each has a time limit, and where it is crowded the one that has waited
    longest goes: an honest agent needs a moment, and whoever only wants to take up the room is the first to lose it."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Timeout, None] = {}

    @contextlib.asynccontextmanager
    async def wait(self, limit_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError when the time is over, or the room is needed."""
        async with asyncio.timeout(limit_s) as limit:
            if len(self._waiting) >= STRANGERS:
                longest = next(iter(self._waiting))
                del self._waiting[longest]
                longest.reschedule(asyncio.get_running_loop().time())
            self._waiting[limit] = None
            try:
                yield
            finally:
                self._waiting.pop(limit, None)


def slim(report: protocol.Report, size: int) -> protocol.Report:
    """The report of a message of `size` bytes; evidence that is larger than any of ours is left out: the report itself
    must get through, or its agent would say it for ever."""
    if isinstance(report, protocol.StepDone) and size > EVIDENCE_BYTES:
        return protocol.StepDone(
            report.n, report.seq, report.epoch, report.cutover, report.step, report.direction, report.at_ms, report.took_ms,
            _essence(report.evidence, size),
        )  # fmt: skip
    return report


def _essence(evidence: dict[str, object], size: int) -> dict[str, object]:
    """Its numbers, which are measured by, and why the rest is not there."""
    numbers = {key[:40]: value for key, value in list(evidence.items())[:20] if isinstance(value, int)}
    return {**numbers, "left_out": f"evidence of {size} bytes"}
