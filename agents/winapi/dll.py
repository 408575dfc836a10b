"""Windows' own libraries, called through ctypes: loaded when first asked for, so that this imports everywhere."""

import ctypes
import errno
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_SYSTEM32_ONLY = 0x800  # LOAD_LIBRARY_SEARCH_SYSTEM32: nobody puts a library of that name beside the agent

HANDLE = ctypes.c_size_t  # of a provider, a hash or a key: HCRYPTPROV, HCRYPTHASH, HCRYPTKEY, NCRYPT_KEY_HANDLE
MAX_SIGNATURE_BYTES = 4096  # room for the signature of any key that a certificate may have
Functions = Mapping[str, tuple[Any, Sequence[Any]]]


class Refused(OSError):
    """A function of Windows failed. number: its error as Windows writes it, 0x80090016; strerror: what failed, and it."""

    def __init__(self, what: str, number: int) -> None:
        self.number = number & 0xFFFFFFFF
        super().__init__(errno.EIO, f"{what} failed with Windows' error 0x{self.number:08X}")


def load(name: str, functions: Functions) -> Any:
    """This library with the types of these functions: name -> (result, arguments). Raises OSError where there is none."""
    if sys.platform != "win32":
        raise OSError(errno.ENOSYS, f"{name} is a part of Windows, and this is none")
    return typed(ctypes.WinDLL(name, use_last_error=True, winmode=_SYSTEM32_ONLY), functions)


def typed(library: Any, functions: Functions) -> Any:
    """The same library, with what each function gives and takes."""
    for function, (result, arguments) in functions.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


def refused(what: str) -> Refused:
    """The error that the last function which failed in this thread has left."""
    if sys.platform != "win32":
        return Refused(what, 0)
    return Refused(what, ctypes.get_last_error())
