"""Run by Python for Windows: a program whose only window is disabled, as that of a program is that shows a dialog."""

import ctypes
import sys
from ctypes import wintypes
from pathlib import Path

user32 = ctypes.WinDLL("user32", use_last_error=True)
user32.CreateWindowExW.restype = wintypes.HWND
user32.CreateWindowExW.argtypes = (
    wintypes.DWORD, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, *(ctypes.c_int,) * 4,
    wintypes.HWND, wintypes.HMENU, wintypes.HINSTANCE, wintypes.LPVOID,
)  # fmt: skip
VISIBLE, DISABLED, OVERLAPPED = 0x10000000, 0x08000000, 0x00CF0000
window = user32.CreateWindowExW(0, "STATIC", "Touch", VISIBLE | DISABLED | OVERLAPPED, 0, 0, 100, 100, None, None, None, None)
if not window:
    sys.exit(f"no window: {ctypes.get_last_error()}")
Path("up").touch()
message = wintypes.MSG()
while user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
    user32.DispatchMessageW(ctypes.byref(message))
