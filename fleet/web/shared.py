"""Makes once what many viewers of one page see: with 50 people on a live page, rendering the same 200 rows 50 times would
cost more than the cutover itself."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")

KEPT = 32  # results; a live page needs three at a time
FRESH_S = 1.0  # then it is made again, because a restored database may use the same version numbers once more


class Shared:
    """Keeps results by key for a moment. A thread that asks for one while it is being made waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for this key. The first call makes it."""
        with self._lock:
            at, value = self._kept.get(key, (-FRESH_S, None))
            if time.monotonic() - at < FRESH_S:
                return value  # type: ignore[return-value]
            made = make()
            self._kept[key] = (time.monotonic(), made)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return made

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._kept.clear()
