"""The dashboard's time on this device. It is learned from the dashboard's messages and continued with the monotonic clock, so a
terminal with a dead clock battery, or with a wall clock that jumps, still reports correct times."""

import time

# An estimate is late by the time that the message travelled, so the highest one is the best. A difference of more than this
# (milliseconds) is not jitter: one of the two clocks was set or has drifted.
JITTER_MS = 250


def _monotonic_ms() -> float:
    return time.monotonic() * 1000


class Clock:
    """Milliseconds since the epoch by the dashboard's clock."""

    def __init__(self) -> None:
        self._base = time.time() * 1000 - _monotonic_ms()  # until the first message: the wall clock, read once
        self._learned = False

    def learn(self, now_ms: int) -> None:
        """Take in the time that the dashboard has just sent."""
        base = now_ms - _monotonic_ms()
        if not self._learned or base > self._base or self._base - base > JITTER_MS:
            self._base, self._learned = base, True

    def assume(self, offset_ms: int) -> None:
        """Until the first message: use what an earlier run knew, dashboard time minus wall clock."""
        if not self._learned:
            self._base = time.time() * 1000 - _monotonic_ms() + offset_ms

    def offset_ms(self) -> int:
        """Dashboard time minus wall clock, for assume() in a later run."""
        return round(self._base + _monotonic_ms() - time.time() * 1000)

    def now_ms(self) -> int:
        """The dashboard's time."""
        return round(self._base + _monotonic_ms())
