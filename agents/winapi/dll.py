"""Windows' own libraries, called through ctypes. They are loaded at the first use, so this module can be imported
everywhere."""

import ctypes
import errno
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_SYSTEM32_ONLY = 0x800  # LOAD_LIBRARY_SEARCH_SYSTEM32: ignore a library of the same name in another folder

_FROM_1601_TO_1970_MS = 11_644_473_600_000
HANDLE = ctypes.c_size_t  # of a provider, a hash or a key: HCRYPTPROV, HCRYPTHASH, HCRYPTKEY, NCRYPT_KEY_HANDLE
MAX_SIGNATURE_BYTES = 4096  # room for the signature of any key that a certificate may have
Functions = Mapping[str, tuple[Any, Sequence[Any]]]


class Refused(OSError):
    """A function of Windows failed. number: its error number, such as 0x80090016; strerror: what failed, with the number."""

    def __init__(self, what: str, number: int) -> None:
        self.number = number & 0xFFFFFFFF
        super().__init__(errno.EIO, f"{what} failed with Windows' error 0x{self.number:08X}")


def to_ms(hundreds_of_ns: int) -> int:
    """A FILETIME, which counts 100 ns since 1601, as milliseconds since 1970."""
    return hundreds_of_ns // 10_000 - _FROM_1601_TO_1970_MS


def load(name: str, functions: Functions) -> Any:
    """This library with the types of these functions: name -> (result, arguments). Raises OSError if there is none."""
    if sys.platform != "win32":
        raise OSError(errno.ENOSYS, f"{name} exists only on Windows")
    return typed(ctypes.WinDLL(name, use_last_error=True, winmode=_SYSTEM32_ONLY), functions)


def typed(library: Any, functions: Functions) -> Any:
    """The same library, with the types of these functions set."""
    for function, (result, arguments) in functions.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


def refused(what: str) -> Refused:
    """The error of the last function that failed in this thread."""
    if sys.platform != "win32":
        return Refused(what, 0)
    return Refused(what, ctypes.get_last_error())
