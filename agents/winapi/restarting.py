"""Restarts the machine, and tells whether it has been restarted (advapi32).

learn.microsoft.com/windows/win32/api/winreg/nf-winreg-initiatesystemshutdownexw
learn.microsoft.com/windows/win32/shutdown/how-to-shut-down-the-system
learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regcreatekeyexw: REG_OPTION_VOLATILE"""

import contextlib
import ctypes
import uuid
from collections.abc import Iterator
from ctypes import wintypes
from functools import cache
from typing import Any

from agents.winapi import dll

_ADJUST, _QUERY = 0x20, 0x8  # TOKEN_ADJUST_PRIVILEGES, TOKEN_QUERY
_ENABLED = 0x2  # SE_PRIVILEGE_ENABLED
_NOT_ALL = 1300  # ERROR_NOT_ALL_ASSIGNED, although the function says that it worked
_REASON = 0x80000000 | 0x00040000 | 0x00000004  # planned; of an application; its settings were changed
_UNDER_WAY = frozenset({1115, 1190})  # ERROR_SHUTDOWN_IN_PROGRESS, ERROR_SHUTDOWN_IS_SCHEDULED
_MACHINE = 0x80000002  # HKEY_LOCAL_MACHINE
_VOLATILE = 1  # such a key is gone when the machine has been shut down
_RIGHTS = 0x20019 | 0x20006 | 0x0100  # KEY_READ, KEY_WRITE, KEY_WOW64_64KEY
_KEY, _VALUE = "SOFTWARE\\TillwayBoot", "Id"
_TEXT_KIND = 1  # REG_SZ
_ID_BYTES = 2 * 33  # 32 digits and the end, in UTF-16
_HANDLE = ctypes.c_void_p


class _Privilege(ctypes.Structure):
    """TOKEN_PRIVILEGES with one row."""

    _fields_ = (("count", wintypes.DWORD), ("low", wintypes.DWORD), ("high", wintypes.LONG), ("what", wintypes.DWORD))


_ADVAPI32: dll.Functions = {
    "OpenProcessToken": (wintypes.BOOL, (_HANDLE, wintypes.DWORD, ctypes.POINTER(_HANDLE))),
    "LookupPrivilegeValueW": (wintypes.BOOL, (wintypes.LPCWSTR, wintypes.LPCWSTR, _HANDLE)),
    "AdjustTokenPrivileges": (wintypes.BOOL, (_HANDLE, wintypes.BOOL, _HANDLE, wintypes.DWORD, _HANDLE, _HANDLE)),
    "InitiateSystemShutdownExW": (
        wintypes.BOOL,
        (wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, wintypes.BOOL, wintypes.BOOL, wintypes.DWORD),
    ),
    "AbortSystemShutdownW": (wintypes.BOOL, (wintypes.LPCWSTR,)),
    "RegCreateKeyExW": (
        wintypes.LONG,
        (_HANDLE, wintypes.LPCWSTR, wintypes.DWORD, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, _HANDLE,
         ctypes.POINTER(_HANDLE), ctypes.POINTER(wintypes.DWORD)),
    ),
    "RegQueryValueExW": (
        wintypes.LONG,
        (_HANDLE, wintypes.LPCWSTR, _HANDLE, ctypes.POINTER(wintypes.DWORD), _HANDLE, ctypes.POINTER(wintypes.DWORD)),
    ),
    "RegSetValueExW": (
        wintypes.LONG, (_HANDLE, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, _HANDLE, wintypes.DWORD),
    ),
    "RegCloseKey": (wintypes.LONG, (_HANDLE,)),
}  # fmt: skip
_KERNEL32: dll.Functions = {
    "GetCurrentProcess": (_HANDLE, ()),
    "CloseHandle": (wintypes.BOOL, (_HANDLE,)),
}


def restart(message: str, grace_s: int) -> None:
    """Announce a restart of the machine with this message on its screen, and begin it grace_s seconds later. Programs are asked
    to end and not forced to: one with an open sale can keep the machine up. A restart that is under way already stays as it is.
    Raises Refused."""
    _allow()
    if not _advapi32().InitiateSystemShutdownExW(None, message, grace_s, False, True, _REASON):
        error = dll.refused("InitiateSystemShutdownEx")
        if error.number not in _UNDER_WAY:
            raise error


def abort() -> None:
    """Call off a restart that was announced and has not begun. Raises Refused, also if it has begun."""
    if not _advapi32().AbortSystemShutdownW(None):
        raise dll.refused("AbortSystemShutdown")


def boot_id() -> str:
    """A text that stays the same until the machine is restarted. It lies in a key that Windows keeps in memory only, because
    clocks of terminals jump and counters of milliseconds begin anew. Raises Refused."""
    with _key() as key:
        known = _read(key)
        if known is None:
            _write(key, uuid.uuid4().hex)
            known = _read(key)  # two agents on one machine: whoever was second counts for both
        if known is None:
            raise dll.Refused("RegQueryValueEx", 0)
        return known


def _allow() -> None:
    """Switch on the right to shut the machine down, which LocalSystem and administrators have but do not use by default."""
    token, privilege = _HANDLE(), _Privilege(count=1, what=_ENABLED)
    library = _advapi32()
    if not library.OpenProcessToken(_kernel32().GetCurrentProcess(), _ADJUST | _QUERY, ctypes.byref(token)):
        raise dll.refused("OpenProcessToken")
    try:
        place = ctypes.addressof(privilege) + _Privilege.low.offset
        if not library.LookupPrivilegeValueW(None, "SeShutdownPrivilege", place):
            raise dll.refused("LookupPrivilegeValue")
        worked = library.AdjustTokenPrivileges(token, False, ctypes.byref(privilege), 0, None, None)
        error = dll.refused("AdjustTokenPrivileges")
        if not worked or error.number == _NOT_ALL:
            raise error
    finally:
        _kernel32().CloseHandle(token)


@contextlib.contextmanager
def _key() -> Iterator[ctypes.c_void_p]:
    key, made = _HANDLE(), wintypes.DWORD()
    code = _advapi32().RegCreateKeyExW(_MACHINE, _KEY, 0, None, _VOLATILE, _RIGHTS, None, ctypes.byref(key), ctypes.byref(made))
    if code:
        raise dll.Refused("RegCreateKeyEx", code)
    try:
        yield key
    finally:
        _advapi32().RegCloseKey(key)


def _read(key: ctypes.c_void_p) -> str | None:
    text, size, kind = ctypes.create_unicode_buffer(64), wintypes.DWORD(128), wintypes.DWORD()
    code = _advapi32().RegQueryValueExW(key, _VALUE, None, ctypes.byref(kind), text, ctypes.byref(size))
    if code == 2:  # ERROR_FILE_NOT_FOUND
        return None
    if code:
        raise dll.Refused("RegQueryValueEx", code)
    return text.value


def _write(key: ctypes.c_void_p, text: str) -> None:
    buffer = ctypes.create_unicode_buffer(text)
    code = _advapi32().RegSetValueExW(key, _VALUE, 0, _TEXT_KIND, buffer, _ID_BYTES)
    if code:
        raise dll.Refused("RegSetValueEx", code)


@cache
def _advapi32() -> Any:
    return dll.load("advapi32", _ADVAPI32)


@cache
def _kernel32() -> Any:
    return dll.load("kernel32", _KERNEL32)
