"""Signs with a private key of a CryptoAPI provider, the older of Windows' two kinds of keys."""

import contextlib
import ctypes
from collections.abc import Iterator
from ctypes import wintypes
from functools import cache
from typing import Any

from agents.winapi import dll

_SHA1 = 0x8004  # CALG_SHA1: the only hash that every such provider knows; its strength does not matter here
_FUNCTIONS: dll.Functions = {
    "CryptCreateHash": (wintypes.BOOL, (dll.HANDLE, wintypes.UINT, dll.HANDLE, wintypes.DWORD, ctypes.POINTER(dll.HANDLE))),
    "CryptHashData": (wintypes.BOOL, (dll.HANDLE, ctypes.c_char_p, wintypes.DWORD, wintypes.DWORD)),
    "CryptSignHashW": (
        wintypes.BOOL,
        (dll.HANDLE, wintypes.DWORD, wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_char_p, ctypes.POINTER(wintypes.DWORD)),
    ),
    "CryptDestroyHash": (wintypes.BOOL, (dll.HANDLE,)),
    "CryptReleaseContext": (wintypes.BOOL, (dll.HANDLE, wintypes.DWORD)),
}


def sign(provider: int, which: int, data: bytes) -> bytes:
    """The signature (RSA with PKCS #1 padding and SHA-1, highest byte first) of `data` by the provider's key `which`
    (AT_KEYEXCHANGE or AT_SIGNATURE). Raises Refused."""
    library = _library()
    with _hash(library, provider) as made:
        if not library.CryptHashData(made, data, len(data), 0):
            raise dll.refused("CryptHashData")
        signature, size = ctypes.create_string_buffer(dll.MAX_SIGNATURE_BYTES), wintypes.DWORD(dll.MAX_SIGNATURE_BYTES)
        if not library.CryptSignHashW(made, which, None, 0, signature, ctypes.byref(size)):
            raise dll.refused("CryptSignHash")
    return signature.raw[: size.value][::-1]


def release(provider: int) -> None:
    """Release this provider."""
    _library().CryptReleaseContext(provider, 0)


@contextlib.contextmanager
def _hash(library: Any, provider: int) -> Iterator[int]:
    made = dll.HANDLE()
    if not library.CryptCreateHash(provider, _SHA1, 0, 0, ctypes.byref(made)):
        raise dll.refused("CryptCreateHash")
    try:
        yield made.value
    finally:
        library.CryptDestroyHash(made)


@cache
def _library() -> Any:
    return dll.load("advapi32", _FUNCTIONS)
