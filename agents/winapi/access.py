"""Access lists of files on Windows, through advapi32.dll: what chmod is elsewhere. Each descriptor is read, or made from
SDDL, and set as a whole. Nothing is inherited by existing files."""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

from agents.winapi import dll

_OWNER, _LIST = 0x1, 0x4
_REVISION = 1
# Without this flag, a list that is partly inherited from the folder would lose the inheritance.
_ASK_INHERITED, _INHERITED = 0x0100, 0x0400
# A disk without access lists (FAT): ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED; ERROR_INSUFFICIENT_BUFFER.
_NO_LISTS, _TOO_SMALL = (1, 50), 122


def copy(source: Path, target: Path) -> None:
    """Give `target`, a new file of ours in the same folder, the access list of `source`. Raises OSError."""
    if sys.platform == "win32":
        descriptor = _read(source, _LIST)
        if descriptor is not None:
            _set(target, _kept(descriptor))


def make_private(path: Path) -> None:
    """Let only Windows itself, administrators and the owner open this file, or this folder and new files in it. Raises
    OSError."""
    if sys.platform == "win32":
        descriptor = _read(path, _OWNER)
        if descriptor is not None:
            below = "OICI" if path.is_dir() else ""
            aces = (f"(A;{below};FA;;;{who})" for who in ("SY", "BA", _owner(descriptor)))
            _set_sddl(path, "D:P" + "".join(aces))


if sys.platform == "win32":
    from ctypes import wintypes

    _TEXT, _NUMBER, _POINTER = wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p
    _TARGET, _COUNT = ctypes.POINTER(ctypes.c_void_p), wintypes.LPDWORD
    _FUNCTIONS: dll.Functions = {
        name: (wintypes.BOOL, arguments)
        for name, arguments in {
            "GetFileSecurityW": (_TEXT, _NUMBER, _POINTER, _NUMBER, _COUNT),
            "SetFileSecurityW": (_TEXT, _NUMBER, _POINTER),
            "GetSecurityDescriptorControl": (_POINTER, wintypes.LPWORD, _COUNT),
            "SetSecurityDescriptorControl": (_POINTER, wintypes.WORD, wintypes.WORD),
            "GetSecurityDescriptorOwner": (_POINTER, _TARGET, wintypes.LPBOOL),
            "ConvertSidToStringSidW": (_POINTER, ctypes.POINTER(wintypes.LPWSTR)),
            "ConvertStringSecurityDescriptorToSecurityDescriptorW": (_TEXT, _NUMBER, _TARGET, _COUNT),
        }.items()
    }

    @cache
    def _advapi32() -> Any:
        return dll.load("advapi32", _FUNCTIONS)

    @cache
    def _free() -> Any:
        return dll.load("kernel32", {"LocalFree": (_POINTER, (_POINTER,))}).LocalFree

    def _read(path: Path, what: int) -> Any:
        """This part of the file's descriptor, as a buffer; None on a disk without access lists."""
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
