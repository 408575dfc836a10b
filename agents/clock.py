"""The dashboard's time on this device: learned from its messages, carried on by the monotonic clock, so a
till whose clock battery is dead, or whose wall clock jumps, still reports true times."""

import time

# An estimate is late by the message's travelling time, so the highest one is the best. Beyond this
# difference, in milliseconds, it is no jitter: one of the two clocks has been set or has drifted.
JITTER_MS = 250


def _monotonic_ms() -> float:
    return time.monotonic() * 1000


class Clock:
    """Milliseconds since the epoch by the dashboard's clock."""

    def __init__(self) -> None:
        self._base = time.time() * 1000 - _monotonic_ms()  # until the first message: the wall clock, read once
        self._learned = False

    def learn(self, now_ms: int) -> None:
        """The dashboard has just said that it is `now_ms` there."""
        base = now_ms - _monotonic_ms()
        if not self._learned or base > self._base or self._base - base > JITTER_MS:
            self._base, self._learned = base, True

    def assume(self, offset_ms: int) -> None:
        """Before anything was learned: what an earlier run knew as dashboard time minus wall clock."""
        if not self._learned:
            self._base = time.time() * 1000 - _monotonic_ms() + offset_ms

    def offset_ms(self) -> int:
        """Dashboard time minus wall clock, for a later run to assume."""
        return round(self._base + _monotonic_ms() - time.time() * 1000)

    def now_ms(self) -> int:
        """The dashboard's time."""
        return round(self._base + _monotonic_ms())
