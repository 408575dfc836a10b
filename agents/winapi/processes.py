"""Running programs, by the name of their image file (kernel32).

learn.microsoft.com/windows/win32/toolhelp/taking-a-snapshot-and-viewing-processes
learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes"""

import contextlib
import ctypes
from collections.abc import Iterator
from ctypes import wintypes
from dataclasses import dataclass
from functools import cache
from typing import Any

from agents.winapi import dll

_PROCESSES = 0x2  # TH32CS_SNAPPROCESS
_INVALID = ctypes.c_void_p(-1).value  # INVALID_HANDLE_VALUE
_LOOK, _END, _WAIT = 0x1000, 0x1, 0x100000  # PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE, SYNCHRONIZE
_OVER = 0  # WAIT_OBJECT_0
_ENDED_BY_US = 1  # the exit code of a program that was ended hard


class _Entry(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("heap", ctypes.c_size_t),
        ("module", wintypes.DWORD),
        ("threads", wintypes.DWORD),
        ("parent", wintypes.DWORD),
        ("priority", wintypes.LONG),
        ("flags", wintypes.DWORD),
        ("name", wintypes.WCHAR * 260),
    )


_FUNCTIONS: dll.Functions = {
    "CreateToolhelp32Snapshot": (ctypes.c_void_p, (wintypes.DWORD, wintypes.DWORD)),
    "Process32FirstW": (wintypes.BOOL, (ctypes.c_void_p, ctypes.POINTER(_Entry))),
    "Process32NextW": (wintypes.BOOL, (ctypes.c_void_p, ctypes.POINTER(_Entry))),
    "OpenProcess": (ctypes.c_void_p, (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)),
    "GetProcessTimes": (wintypes.BOOL, (ctypes.c_void_p, *(ctypes.POINTER(wintypes.FILETIME),) * 4)),
    "WaitForSingleObject": (wintypes.DWORD, (ctypes.c_void_p, wintypes.DWORD)),
    "TerminateProcess": (wintypes.BOOL, (ctypes.c_void_p, wintypes.UINT)),
    "ProcessIdToSessionId": (wintypes.BOOL, (wintypes.DWORD, ctypes.POINTER(wintypes.DWORD))),
    "GetCurrentProcessId": (wintypes.DWORD, ()),
    "CloseHandle": (wintypes.BOOL, (ctypes.c_void_p,)),
}


@dataclass(frozen=True, slots=True)
class Process:
    """One running program."""

    pid: int
    started_ms: int | None  # by this machine's clock, in ms since 1970; None where Windows does not tell
    session: int  # 0: of services, without a screen


def named(name: str) -> list[Process]:
    """The running programs whose image file has this name, in any case. Raises Refused."""
    found = [_looked_at(pid) for pid, image in _images() if image.casefold() == name.casefold()]
    return [process for process in found if process is not None]


def end(pid: int) -> None:
    """End this program at once, without asking it. Raises Refused, also if there is none."""
    with opened(pid, _END) as handle:
        if not library().TerminateProcess(handle, _ENDED_BY_US):
            raise dll.refused("TerminateProcess")


def own_session() -> int:
    """The session of this process. Raises Refused."""
    return session_of(library().GetCurrentProcessId())


def session_of(pid: int) -> int:
    """The session of this program. Raises Refused."""
    session = wintypes.DWORD()
    if not library().ProcessIdToSessionId(pid, ctypes.byref(session)):
        raise dll.refused("ProcessIdToSessionId")
    return session.value


def _images() -> Iterator[tuple[int, str]]:
    """Process id and image name of everything that runs."""
    snapshot = library().CreateToolhelp32Snapshot(_PROCESSES, 0)
    if snapshot in (None, _INVALID):
        raise dll.refused("CreateToolhelp32Snapshot")
    try:
        entry = _Entry(size=ctypes.sizeof(_Entry))
        more = library().Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            yield entry.pid, entry.name
            more = library().Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        library().CloseHandle(snapshot)


def _looked_at(pid: int) -> Process | None:
    """What is known of this program; None if it has ended meanwhile."""
    try:
        with opened(pid, _LOOK | _WAIT) as handle:
            if library().WaitForSingleObject(handle, 0) == _OVER:
                return None  # somebody still holds a handle of a program that has ended
            return Process(pid, _started_ms(handle), session_of(pid))
    except dll.Refused:
        with contextlib.suppress(dll.Refused):
            return Process(pid, None, session_of(pid))  # it may not be opened
        return None


def _started_ms(handle: int) -> int | None:
    times = [wintypes.FILETIME() for _ in range(4)]  # started, ended, in the kernel, in the program
    if not library().GetProcessTimes(handle, *map(ctypes.byref, times)):
        return None
    started = (times[0].dwHighDateTime << 32) + times[0].dwLowDateTime  # in 100 ns since 1601
    return dll.to_ms(started)


@contextlib.contextmanager
def opened(pid: int, rights: int) -> Iterator[int]:
    """A handle of this program. Raises Refused."""
    handle = library().OpenProcess(rights, False, pid)
    if not handle:
        raise dll.refused("OpenProcess")
    try:
        yield handle
    finally:
        library().CloseHandle(handle)


@cache
def library() -> Any:
    """kernel32 with the functions of this module."""
    return dll.load("kernel32", _FUNCTIONS)
