"""Signs with a private key of a key storage provider (CNG), the newer of Windows' two kinds of keys."""

import ctypes
import hashlib
from ctypes import wintypes
from functools import cache
from typing import Any

from agents.winapi import dll

_PKCS1, _SILENT = 0x2, 0x40  # BCRYPT_PAD_PKCS1, NCRYPT_SILENT_FLAG


class _Padding(ctypes.Structure):
    """BCRYPT_PKCS1_PADDING_INFO."""

    _fields_ = (("hash", wintypes.LPCWSTR),)


_FUNCTIONS: dll.Functions = {
    "NCryptSignHash": (
        wintypes.LONG,
        (
            dll.HANDLE, ctypes.POINTER(_Padding), ctypes.c_char_p, wintypes.DWORD,
            ctypes.c_char_p, wintypes.DWORD, ctypes.POINTER(wintypes.DWORD), wintypes.DWORD,
        ),
    ),
    "NCryptFreeObject": (wintypes.LONG, (dll.HANDLE,)),
}  # fmt: skip


def sign(key: int, data: bytes, *, rsa: bool) -> bytes:
    """The signature of `data` with SHA-256: for an RSA key with PKCS #1 padding, highest byte first, for an elliptic
    one r and s, one after the other. Raises Refused."""
    padding = ctypes.byref(_Padding("SHA256")) if rsa else None
    flags = _SILENT | (_PKCS1 if rsa else 0)
    digest = hashlib.sha256(data).digest()
    signature, size = ctypes.create_string_buffer(dll.MAX_SIGNATURE_BYTES), wintypes.DWORD()
    status = _library().NCryptSignHash(
        key, padding, digest, len(digest), signature, dll.MAX_SIGNATURE_BYTES, ctypes.byref(size), flags
    )
    if status:
        raise dll.Refused("NCryptSignHash", status)
    return signature.raw[: size.value]


def release(key: int) -> None:
    """Release this key."""
    _library().NCryptFreeObject(key)


@cache
def _library() -> Any:
    return dll.load("ncrypt", _FUNCTIONS)
