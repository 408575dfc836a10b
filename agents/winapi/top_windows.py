"""Asks programs to close, as a click on the cross in the corner of their window does (user32). It sees the windows of its own
session only: agents/commands/close_window.py carries it into the session of the user.

learn.microsoft.com/windows/win32/winmsg/wm-close
learn.microsoft.com/dotnet/api/system.diagnostics.process.closemainwindow: a window that is disabled shows a dialog, and is left
alone"""

import ctypes
import sys
from collections.abc import Collection
from ctypes import wintypes
from functools import cache
from typing import Any

from agents.winapi import dll

_CLOSE = 0x0010  # WM_CLOSE
_OWNER = 4  # GW_OWNER

_FUNCTIONS: dll.Functions = {
    "EnumWindows": (wintypes.BOOL, (ctypes.c_void_p, wintypes.LPARAM)),
    "GetWindowThreadProcessId": (wintypes.DWORD, (wintypes.HWND, ctypes.POINTER(wintypes.DWORD))),
    "GetWindow": (wintypes.HWND, (wintypes.HWND, wintypes.UINT)),
    "IsWindowVisible": (wintypes.BOOL, (wintypes.HWND,)),
    "IsWindowEnabled": (wintypes.BOOL, (wintypes.HWND,)),
    "PostMessageW": (wintypes.BOOL, (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)),
}


def ask_to_close(pids: Collection[int]) -> int:
    """Ask each main window of these programs to close: visible, owned by no other, and enabled. It is asked once, because a
    second time could answer the question that the first one has raised. Returns how many were asked. Raises Refused."""
    asked = 0
    for window in _windows(set(pids)):
        if not _user32().PostMessageW(window, _CLOSE, 0, 0):
            raise dll.refused("PostMessage")
        asked += 1
    return asked


def _windows(pids: set[int]) -> list[int]:
    found: list[int] = []

    def look(window: int, _: int) -> bool:
        pid = wintypes.DWORD()
        _user32().GetWindowThreadProcessId(window, ctypes.byref(pid))
        if pid.value in pids and _is_main(window):
            found.append(window)
        return True  # go on

    callback = _callback(look)
    if not _user32().EnumWindows(callback, 0):
        raise dll.refused("EnumWindows")
    return found


def _is_main(window: int) -> bool:
    library = _user32()
    return bool(library.IsWindowVisible(window) and library.IsWindowEnabled(window) and not library.GetWindow(window, _OWNER))


def _callback(function: Any) -> Any:
    """A function of ours that Windows can call. Keep it as long as it may be called."""
    if sys.platform != "win32":
        return function
    return ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)(function)


@cache
def _user32() -> Any:
    return dll.load("user32", _FUNCTIONS)
