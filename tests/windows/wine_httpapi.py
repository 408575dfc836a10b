"""httpapi.dll of Wine 8, with what it lacks put right so that the agent's own code runs unchanged. Runs under Wine.

HttpShutdownRequestQueue is an export that aborts the process; Windows cancels the calls that wait and refuses those that
come later. CancelIoEx ends those that wait with the same number (995); said again and again until the queue is closed, it
ends the later ones as well. `https://` is refused with error 1 (Wine's http.sys says that it is
not implemented): with `plain_only` such a prefix is taken and nobody listens at it."""

import ctypes
import threading
from typing import Any

from agents.winapi import httpapi


class WineDll:
    def __init__(self, *, plain_only: bool = False) -> None:
        self._real, self._plain_only = httpapi.load(), plain_only
        self._kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        self._closed = threading.Event()
        self._kernel32.CancelIoEx.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def HttpShutdownRequestQueue(self, queue: Any) -> int:
        threading.Thread(target=self._cancel, args=(ctypes.c_void_p(queue.value),), daemon=True).start()
        return 0

    def _cancel(self, queue: Any) -> None:
        while not self._closed.wait(0.02):
            self._kernel32.CancelIoEx(queue, None)

    def HttpCloseRequestQueue(self, queue: Any) -> int:
        self._closed.set()
        return int(self._real.HttpCloseRequestQueue(queue))

    def HttpAddUrlToUrlGroup(self, group: int, url: str, context: int, reserved: int) -> int:
        if self._plain_only and url.startswith("https:"):
            return 0
        return int(self._real.HttpAddUrlToUrlGroup(group, url, context, reserved))
