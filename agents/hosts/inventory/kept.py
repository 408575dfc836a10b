"""A cache for facts that seldom change and are costly to read. They are read anew before a decision depends on them."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

KEPT_S = 300.0  # every instruction of a cutover is followed by an inventory

Read = Callable[[], Awaitable[Any]]


class Kept:
    """Wraps functions that read a fact. A failure is not cached."""

    def __init__(self) -> None:
        self._age = 0

    def __call__(self, read: Read) -> Read:
        """The same function, which reads again only after KEPT_S seconds or after forget()."""
        until, age, value = 0.0, self._age, None

        async def ask() -> Any:
            nonlocal until, age, value
            if time.monotonic() >= until or age != self._age:
                age, value = self._age, await read()
                until = time.monotonic() + KEPT_S
            return value

        return ask

    def forget(self) -> None:
        """Empty the cache."""
        self._age += 1
