"""Starts programs on the screen of the user. A service runs in session 0, which has no screen: from there a program is started
with the token of the user who is logged in.

learn.microsoft.com/windows/win32/services/interactive-services (a service shows nothing itself)
learn.microsoft.com/windows/win32/api/wtsapi32/nf-wtsapi32-wtsqueryusertoken (LocalSystem only)
learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-createprocessasuserw
learn.microsoft.com/windows/win32/api/userenv/nf-userenv-createenvironmentblock"""

import contextlib
import ctypes
import subprocess
from collections.abc import Iterator, Sequence
from ctypes import wintypes
from functools import cache
from typing import Any

from agents.winapi import dll, processes

_NO_SESSION = 0xFFFFFFFF
_NOBODY = frozenset({2, 87, 1008, 1312, 7022})  # no such session, or none with a user: ERROR_NO_TOKEN and others
_ACTIVE = 0  # WTSActive
_EVERYTHING = 0x02000000  # MAXIMUM_ALLOWED
_IDENTIFICATION, _PRIMARY = 1, 1  # SecurityIdentification, TokenPrimary
_UNICODE, _NO_CONSOLE = 0x400, 0x08000000  # CREATE_UNICODE_ENVIRONMENT, CREATE_NO_WINDOW
_STILL_RUNS = 0x102  # WAIT_TIMEOUT
_SCREEN = "winsta0\\default"  # the user's own window station and desktop
_HANDLE, _TEXT = ctypes.c_void_p, wintypes.LPCWSTR
_Handle = ctypes.POINTER(ctypes.c_void_p)


class NobodyLoggedIn(Exception):
    """There is no session with a user in it."""


class _Startup(ctypes.Structure):
    """STARTUPINFOW."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("reserved", wintypes.LPWSTR),
        ("desktop", wintypes.LPWSTR),
        ("title", wintypes.LPWSTR),
        ("place", wintypes.DWORD * 7),  # x, y, width, height, columns, rows, colours
        ("flags", wintypes.DWORD),
        ("show", wintypes.WORD),
        ("reserved_bytes", wintypes.WORD),
        ("reserved_more", ctypes.c_void_p),
        ("handles", ctypes.c_void_p * 3),  # input, output, errors
    )


class _Started(ctypes.Structure):
    """PROCESS_INFORMATION."""

    _fields_ = (("process", _HANDLE), ("thread", _HANDLE), ("pid", wintypes.DWORD), ("tid", wintypes.DWORD))


class _Session(ctypes.Structure):
    """WTS_SESSION_INFOW."""

    _fields_ = (("id", wintypes.DWORD), ("name", wintypes.LPWSTR), ("state", ctypes.c_int))


_MADE = (ctypes.POINTER(_Startup), ctypes.POINTER(_Started))
_ORDER = (_TEXT, wintypes.LPWSTR, _HANDLE, _HANDLE, wintypes.BOOL, wintypes.DWORD, _HANDLE, _TEXT, *_MADE)
_KERNEL32: dll.Functions = {
    "CreateProcessW": (wintypes.BOOL, _ORDER),
    "WTSGetActiveConsoleSessionId": (wintypes.DWORD, ()),
    "WaitForSingleObject": (wintypes.DWORD, (_HANDLE, wintypes.DWORD)),
    "GetExitCodeProcess": (wintypes.BOOL, (_HANDLE, ctypes.POINTER(wintypes.DWORD))),
    "CloseHandle": (wintypes.BOOL, (_HANDLE,)),
}
_ADVAPI32: dll.Functions = {
    "CreateProcessAsUserW": (wintypes.BOOL, (_HANDLE, *_ORDER)),
    "DuplicateTokenEx": (wintypes.BOOL, (_HANDLE, wintypes.DWORD, _HANDLE, ctypes.c_int, ctypes.c_int, _Handle)),
}
_WTSAPI32: dll.Functions = {
    "WTSQueryUserToken": (wintypes.BOOL, (wintypes.ULONG, _Handle)),
    "WTSEnumerateSessionsW": (
        wintypes.BOOL,
        (_HANDLE, wintypes.DWORD, wintypes.DWORD, ctypes.POINTER(ctypes.POINTER(_Session)), ctypes.POINTER(wintypes.DWORD)),
    ),
    "WTSFreeMemory": (None, (_HANDLE,)),
}
_USERENV: dll.Functions = {
    "CreateEnvironmentBlock": (wintypes.BOOL, (_Handle, _HANDLE, wintypes.BOOL)),
    "DestroyEnvironmentBlock": (wintypes.BOOL, (_HANDLE,)),
}


def as_service() -> bool:
    """Whether this process has no screen, as every service. Raises Refused."""
    return processes.own_session() == 0


def user_session() -> int:
    """The session of the user at the screen, else of one who is connected from elsewhere. Raises NobodyLoggedIn, Refused."""
    console = _kernel32().WTSGetActiveConsoleSessionId()
    for session in (console, *_active()):
        if session != _NO_SESSION:
            with contextlib.suppress(NobodyLoggedIn), _token(session):
                return int(session)
    raise NobodyLoggedIn


def start(program: str, arguments: Sequence[str], folder: str, *, session: int | None = None, hidden: bool = False) -> int:
    """Start a program. arguments: each arrives as it is given; folder: where it begins; session: whose screen it gets, None for
    this process's own; hidden: without a console window. Returns its process id. Raises NobodyLoggedIn, Refused."""
    with _started(program, arguments, folder, session, hidden) as started:
        return int(started.pid)


def run(program: str, arguments: Sequence[str], folder: str, *, session: int, limit_s: float) -> int | None:
    """Run a program without a window to its end. Returns its exit code; None if it has not ended within limit_s seconds.
    Raises NobodyLoggedIn, Refused."""
    with _started(program, arguments, folder, session, True) as started:
        if _kernel32().WaitForSingleObject(started.process, round(limit_s * 1000)) == _STILL_RUNS:
            return None
        code = wintypes.DWORD()
        if not _kernel32().GetExitCodeProcess(started.process, ctypes.byref(code)):
            raise dll.refused("GetExitCodeProcess")
        return code.value


def command_line(program: str, arguments: Sequence[str]) -> str:
    """One text that CommandLineToArgvW takes apart into the program and exactly these arguments.
    learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw; Python has these rules."""
    return subprocess.list2cmdline([program, *arguments])


@contextlib.contextmanager
def _started(program: str, arguments: Sequence[str], folder: str, session: int | None, hidden: bool) -> Iterator[_Started]:
    startup, started = _Startup(size=ctypes.sizeof(_Startup), desktop=_SCREEN), _Started()
    line = ctypes.create_unicode_buffer(command_line(program, arguments))  # Windows may write into it
    flags = _UNICODE | (_NO_CONSOLE if hidden else 0)
    rest = (program, line, None, None, False, flags)
    last = (folder, ctypes.byref(startup), ctypes.byref(started))
    if session is None:
        if not _kernel32().CreateProcessW(*rest, None, *last):
            raise dll.refused("CreateProcess")
    else:
        with _token(session) as token, _environment(token) as environment:
            if not _advapi32().CreateProcessAsUserW(token, *rest, environment, *last):
                raise dll.refused("CreateProcessAsUser")
    try:
        yield started
    finally:
        _kernel32().CloseHandle(started.thread)
        _kernel32().CloseHandle(started.process)


@contextlib.contextmanager
def _token(session: int) -> Iterator[ctypes.c_void_p]:
    """The token of the user of this session, with which a program can be started. Raises NobodyLoggedIn, Refused."""
    theirs, ours = ctypes.c_void_p(), ctypes.c_void_p()
    if not _wtsapi32().WTSQueryUserToken(session, ctypes.byref(theirs)):
        error = dll.refused("WTSQueryUserToken")
        if error.number in _NOBODY:
            raise NobodyLoggedIn
        raise error
    try:
        made = _advapi32().DuplicateTokenEx(theirs, _EVERYTHING, None, _IDENTIFICATION, _PRIMARY, ctypes.byref(ours))
        if not made:
            raise dll.refused("DuplicateTokenEx")
        try:
            yield ours
        finally:
            _kernel32().CloseHandle(ours)
    finally:
        _kernel32().CloseHandle(theirs)


@contextlib.contextmanager
def _environment(token: ctypes.c_void_p) -> Iterator[ctypes.c_void_p]:
    """The environment variables of this user, instead of the service's own."""
    block = ctypes.c_void_p()
    if not _userenv().CreateEnvironmentBlock(ctypes.byref(block), token, False):
        raise dll.refused("CreateEnvironmentBlock")
    try:
        yield block
    finally:
        _userenv().DestroyEnvironmentBlock(block)


def _active() -> list[int]:
    """The sessions in which a user works now."""
    rows, count = ctypes.POINTER(_Session)(), wintypes.DWORD()
    if not _wtsapi32().WTSEnumerateSessionsW(None, 0, 1, ctypes.byref(rows), ctypes.byref(count)):
        raise dll.refused("WTSEnumerateSessions")
    try:
        return [rows[place].id for place in range(count.value) if rows[place].state == _ACTIVE]
    finally:
        _wtsapi32().WTSFreeMemory(rows)


@cache
def _kernel32() -> Any:
    return dll.load("kernel32", _KERNEL32)


@cache
def _advapi32() -> Any:
    return dll.load("advapi32", _ADVAPI32)


@cache
def _wtsapi32() -> Any:
    return dll.load("wtsapi32", _WTSAPI32)


@cache
def _userenv() -> Any:
    return dll.load("userenv", _USERENV)
