"""What seldom changes and costs something to read: kept for a while, and read anew when somebody is about to judge by it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

KEPT_S = 300.0  # an inventory follows every instruction of a cutover

Read = Callable[[], Awaitable[Any]]


class Kept:
    """Wraps what reads. What could not be read is not kept."""

    def __init__(self) -> None:
        self._age = 0

    def __call__(self, read: Read) -> Read:
        """The same, read again after KEPT_S seconds only, or after forget()."""
        until, age, value = 0.0, self._age, None

        async def ask() -> Any:
            nonlocal until, age, value
            if time.monotonic() >= until or age != self._age:
                age, value = self._age, await read()
                until = time.monotonic() + KEPT_S
            return value

        return ask

    def forget(self) -> None:
        """From now on everything is read anew."""
        self._age += 1
