"""Who may open a file on Windows, by advapi32.dll: what chmod is elsewhere. Each descriptor is read, or made from SDDL,
and set as a whole: nothing is passed on to other files."""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

_OWNER, _LIST = 0x1, 0x4
_REVISION = 1
_SYSTEM32_ONLY = 0x800  # nobody puts a library of that name beside the agent
# A list that partly comes from the folder stays one only if that is asked for.
_ASK_INHERITED, _INHERITED = 0x0100, 0x0400
# A disk without access lists (FAT): ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED; ERROR_INSUFFICIENT_BUFFER.
_NO_LISTS, _TOO_SMALL = (1, 50), 122


def copy(source: Path, target: Path) -> None:
    """Give this new file of ours, in the same folder, the access list that the other one has. Raises OSError."""
    if sys.platform == "win32":
        descriptor = _read(source, _LIST)
        if descriptor is not None:
            _set(target, _kept(descriptor))


def make_private(path: Path) -> None:
    """Only Windows itself, administrators and the owner may open this file, or this folder and what will be made in it.
    Raises OSError."""
    if sys.platform == "win32":
        descriptor = _read(path, _OWNER)
        if descriptor is not None:
            below = "OICI" if path.is_dir() else ""
            aces = (f"(A;{below};FA;;;{who})" for who in ("SY", "BA", _owner(descriptor)))
            _set_sddl(path, "D:P" + "".join(aces))


if sys.platform == "win32":
    from ctypes import wintypes

    @cache
    def _advapi32() -> Any:
        dll = ctypes.WinDLL("advapi32", use_last_error=True, winmode=_SYSTEM32_ONLY)
        text, number, pointer, yes = wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p, wintypes.BOOL
        target, count = ctypes.POINTER(ctypes.c_void_p), wintypes.LPDWORD
        for function, arguments in (
            (dll.GetFileSecurityW, (text, number, pointer, number, count)),
            (dll.SetFileSecurityW, (text, number, pointer)),
            (dll.GetSecurityDescriptorControl, (pointer, wintypes.LPWORD, count)),
            (dll.SetSecurityDescriptorControl, (pointer, wintypes.WORD, wintypes.WORD)),
            (dll.GetSecurityDescriptorOwner, (pointer, target, wintypes.LPBOOL)),
            (dll.ConvertSidToStringSidW, (pointer, ctypes.POINTER(wintypes.LPWSTR))),
            (dll.ConvertStringSecurityDescriptorToSecurityDescriptorW, (text, number, target, count)),
        ):
            function.restype, function.argtypes = yes, arguments
        return dll

    @cache
    def _free() -> Any:
        free = ctypes.WinDLL("kernel32", winmode=_SYSTEM32_ONLY).LocalFree
        free.restype, free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
        return free

    def _read(path: Path, what: int) -> Any:
        """This part of the file's descriptor, as a buffer; None on a disk without such lists."""
        size = wintypes.DWORD()
        _advapi32().GetFileSecurityW(str(path), what, None, 0, ctypes.byref(size))
        if (code := ctypes.get_last_error()) != _TOO_SMALL:
            if code in _NO_LISTS:
                return None
            raise _error(path)
        buffer = ctypes.create_string_buffer(size.value)
        if not _advapi32().GetFileSecurityW(str(path), what, buffer, size, ctypes.byref(size)):
            raise _error(path)
        return buffer

    def _set(path: Path, descriptor: Any) -> None:
        if not _advapi32().SetFileSecurityW(str(path), _LIST, descriptor) and ctypes.get_last_error() not in _NO_LISTS:
            raise _error(path)

    def _set_sddl(path: Path, sddl: str) -> None:
        descriptor = ctypes.c_void_p()
        make = _advapi32().ConvertStringSecurityDescriptorToSecurityDescriptorW
        if not make(sddl, _REVISION, ctypes.byref(descriptor), None):
            raise _error(path)
        try:
            _set(path, descriptor)
        finally:
            _free()(descriptor)

    def _kept(descriptor: Any) -> Any:
        control, revision = wintypes.WORD(), wintypes.DWORD()
        _advapi32().GetSecurityDescriptorControl(descriptor, ctypes.byref(control), ctypes.byref(revision))
        if control.value & _INHERITED:
            _advapi32().SetSecurityDescriptorControl(descriptor, _ASK_INHERITED, _ASK_INHERITED)
        return descriptor

    def _owner(descriptor: Any) -> str:
        """The owner's SID as text."""
        owner, by_default, text = ctypes.c_void_p(), wintypes.BOOL(), wintypes.LPWSTR()
        _advapi32().GetSecurityDescriptorOwner(descriptor, ctypes.byref(owner), ctypes.byref(by_default))
        if not _advapi32().ConvertSidToStringSidW(owner, ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return str(text.value)
        finally:
            _free()(ctypes.cast(text, ctypes.c_void_p))

    def _error(path: Path) -> OSError:
        code = ctypes.get_last_error()
        return OSError(None, ctypes.FormatError(code), str(path), code)
