"""How much one agent may send. One that sends more loses its connection, and the others notice nothing.

The bounds are generous. A whole cutover with retries takes a few hundred messages and a rehearsal two; an inventory comes
after each connection, which may be often where a till's network comes and goes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from agents import protocol

MESSAGES, MESSAGES_A_SECOND = 3000, 20.0
BYTES, BYTES_A_SECOND = 32 * 1024 * 1024, 256 * 1024.0
HELLO = 5.0  # a connection counts as so many messages: it costs a write, and everything that waits is sent again
STRANGERS = 500  # connections whose agent is not known yet
EVIDENCE_BYTES = 32 * 1024  # of one step; the evidence of our agents is smaller
REMEMBERED = 1000  # agents whose allowance is kept before full ones are forgotten


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    size: float  # how much it holds
    a_second: float  # how much is added each second
    left: float = field(init=False)  # how much is in it
    at: float | None = None  # the time of `left`, in seconds; None: it was never used

    def __post_init__(self) -> None:
        self.left = self.size

    def take(self, amount: float, now: float, *, least: float = 0) -> bool:
        """Take the amount out if so much, and at least `least`, is in it. Returns whether it was."""
        if self.at is not None:
            self.left = min(self.size, self.left + (now - self.at) * self.a_second)
        self.at = now
        if max(amount, least) > self.left:
            return False
        self.left -= amount
        return True

    def is_full(self, now: float) -> bool:
        """Whether it is full at this time."""
        return self.at is None or self.left + (now - self.at) * self.a_second >= self.size


class Allowances:
    """How much each agent may still send, over all its connections together. now: seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._of: dict[str, tuple[Bucket, Bucket]] = {}

    def is_spent(self, agent: str) -> bool:
        """Whether this agent may not even connect at this moment."""
        return agent in self._of and not self._of[agent][0].take(0.0, self._now(), least=HELLO)

    def spend(self, agent: str, size: int, messages: float = 1) -> bool:
        """Count one message of `size` bytes, as if it were `messages` messages. False: that was too much."""
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
    """Connections whose agent is not known yet. Each has a time limit, and when there are too many, the one that has
    waited longest ends. An honest agent needs only a moment, so this hits those that say nothing."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Timeout, None] = {}

    @contextlib.asynccontextmanager
    async def wait(self, limit_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError when the time is over, or when too many others wait."""
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
    """The report of a message of `size` bytes, without evidence that is larger than any of our agents'. The report itself
    must be stored, or its agent would send it for ever."""
    if isinstance(report, protocol.StepDone) and size > EVIDENCE_BYTES:
        return protocol.StepDone(
            report.n, report.seq, report.epoch, report.cutover, report.step, report.direction, report.at_ms, report.took_ms,
            _essence(report.evidence, size),
        )  # fmt: skip
    return report


def _essence(evidence: dict[str, object], size: int) -> dict[str, object]:
    """Its whole numbers, which outages are measured by, and why the rest is missing."""
    numbers = {key[:40]: value for key, value in list(evidence.items())[:20] if isinstance(value, int)}
    return {**numbers, "left_out": f"evidence of {size} bytes"}
