"""Reads the certificate stores of the computer, never a user's, because http.sys and services see only the computer's. They
include what group policy has installed. Nothing is ever written."""

import contextlib
import ctypes
import hashlib
from collections.abc import Generator, Iterator
from ctypes import wintypes
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from agents.winapi import advapi32, dll, ncrypt

Name = Literal["MY", "CA", "ROOT", "Disallowed"]

MOST = 5000
_SYSTEM_STORE = 10  # CERT_STORE_PROV_SYSTEM_W
_OF_THE_COMPUTER = 0x20000  # CERT_SYSTEM_STORE_LOCAL_MACHINE
_READ_ONLY, _ONLY_IF_THERE = 0x8000, 0x4000  # CERT_STORE_READONLY_FLAG, CERT_STORE_OPEN_EXISTING_FLAG
_KEY_PLACE, _PURPOSES = 2, 9  # CERT_KEY_PROV_INFO_PROP_ID, CERT_ENHKEY_USAGE_PROP_ID
_NO_SUCH_FILE = 2
_MACHINE_KEY = 0x20  # CRYPT_MACHINE_KEYSET, and the same number for CNG: NCRYPT_MACHINE_KEY_FLAG
# CRYPT_ACQUIRE_COMPARE_KEY_FLAG, _SILENT_FLAG (a service must not open a dialog), _ALLOW_NCRYPT_KEY_FLAG
_ACQUIRE = 0x4 | 0x40 | 0x10000
_IS_CNG = 0xFFFFFFFF  # CERT_NCRYPT_KEY_SPEC


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The place of a certificate's private key."""

    provider: str
    machine: bool  # True: among the computer's keys; False: in the profile of the user who imported it


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate of a store."""

    der: bytes
    key: KeyPlace | None = None  # None if it has no private key
    purposes: bytes | None = None  # the purposes that this computer allows (DER, SEQUENCE of OIDs); None: all


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature made with a certificate's private key."""

    value: bytes  # RSA: PKCS #1, highest byte first; elliptic: r and s, one after the other
    hash: Literal["sha1", "sha256"]


class _Context(ctypes.Structure):
    """CERT_CONTEXT."""

    _fields_ = (
        ("encoding", wintypes.DWORD),
        ("der", ctypes.POINTER(ctypes.c_ubyte)),
        ("size", wintypes.DWORD),
        ("info", ctypes.c_void_p),
        ("store", ctypes.c_void_p),
    )


class _KeyInfo(ctypes.Structure):
    """CRYPT_KEY_PROV_INFO."""

    _fields_ = (
        ("container", wintypes.LPWSTR),
        ("provider", wintypes.LPWSTR),
        ("type", wintypes.DWORD),
        ("flags", wintypes.DWORD),
        ("parameters", wintypes.DWORD),
        ("parameter", ctypes.c_void_p),
        ("which", wintypes.DWORD),
    )


_STORE, _CERTIFICATE = ctypes.c_void_p, ctypes.POINTER(_Context)
_FUNCTIONS: dll.Functions = {
    "CertOpenStore": (_STORE, (ctypes.c_void_p, wintypes.DWORD, ctypes.c_size_t, wintypes.DWORD, wintypes.LPCWSTR)),
    "CertEnumCertificatesInStore": (_CERTIFICATE, (_STORE, _CERTIFICATE)),
    "CertGetCertificateContextProperty": (
        wintypes.BOOL,
        (_CERTIFICATE, wintypes.DWORD, ctypes.c_void_p, ctypes.POINTER(wintypes.DWORD)),
    ),
    "CryptAcquireCertificatePrivateKey": (
        wintypes.BOOL,
        (
            _CERTIFICATE, wintypes.DWORD, ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(wintypes.DWORD), ctypes.POINTER(wintypes.BOOL),
        ),
    ),
    "CertFreeCertificateContext": (wintypes.BOOL, (_CERTIFICATE,)),
    "CertCloseStore": (wintypes.BOOL, (_STORE, wintypes.DWORD)),
}  # fmt: skip


def entries(name: Name) -> list[Entry]:
    """The certificates in this store of the computer, at most MOST. A store that does not exist is empty. Raises OSError."""
    library = _library()
    with _opened(library, name) as contexts:
        return [_entry(library, context) for context, _ in zip(contexts, range(MOST), strict=False)]


def sign(thumbprint: str, data: bytes, *, rsa: bool) -> Signature:
    """Sign with the private key of this certificate in the computer's MY store, with the rights of this process. thumbprint: 40
    upper-case hex digits; rsa: whether it is an RSA key. Raises OSError, mostly Refused with Windows' error number."""
    library = _library()
    with _opened(library, "MY") as contexts:
        for context in contexts:
            if _thumbprint(context) == thumbprint and _property(library, context, _KEY_PLACE):
                return _signed(library, context, data, rsa=rsa)
    raise FileNotFoundError(2, f"the computer's store holds no certificate {thumbprint} with a key")


def _signed(library: Any, context: Any, data: bytes, *, rsa: bool) -> Signature:
    key, which, ours = ctypes.c_size_t(), wintypes.DWORD(), wintypes.BOOL()
    found = (ctypes.byref(key), ctypes.byref(which), ctypes.byref(ours))
    if not library.CryptAcquireCertificatePrivateKey(context, _ACQUIRE, None, *found):
        raise dll.refused("opening the private key")
    cng = which.value == _IS_CNG
    try:
        if cng:
            return Signature(ncrypt.sign(key.value, data, rsa=rsa), "sha256")
        return Signature(advapi32.sign(key.value, which.value, data), "sha1")
    finally:
        if ours.value:
            (ncrypt if cng else advapi32).release(key.value)


def _entry(library: Any, context: Any) -> Entry:
    purposes = _property(library, context, _PURPOSES)
    return Entry(_der(context), _key_place(library, context), purposes.raw if purposes is not None else None)


def _key_place(library: Any, context: Any) -> KeyPlace | None:
    told = _property(library, context, _KEY_PLACE)
    if told is None or len(told) < ctypes.sizeof(_KeyInfo):
        return None
    info = _KeyInfo.from_buffer(told)  # its strings are in the same memory
    return KeyPlace(info.provider or "", bool(info.flags & _MACHINE_KEY))


def _der(context: Any) -> bytes:
    return ctypes.string_at(context.contents.der, context.contents.size)


def _thumbprint(context: Any) -> str:
    return hashlib.sha1(_der(context)).hexdigest().upper()


def _property(library: Any, context: Any, number: int) -> Any:
    """The bytes of a property, writable; None if the certificate does not have it or Windows refuses it."""
    size = wintypes.DWORD()
    if not library.CertGetCertificateContextProperty(context, number, None, ctypes.byref(size)):
        return None
    told = ctypes.create_string_buffer(size.value)
    return told if library.CertGetCertificateContextProperty(context, number, told, ctypes.byref(size)) else None


@contextlib.contextmanager
def _opened(library: Any, name: Name) -> Iterator[Iterator[Any]]:
    """The certificates of this store. Each is released when the next one is taken."""
    store = library.CertOpenStore(_SYSTEM_STORE, 0, 0, _OF_THE_COMPUTER | _READ_ONLY | _ONLY_IF_THERE, name)
    if store is None:
        error = dll.refused(f"opening the computer's store {name}")
        if error.number != _NO_SUCH_FILE:
            raise error
        yield iter(())
        return
    try:
        with contextlib.closing(_contexts(library, store)) as contexts:
            yield contexts
    finally:
        library.CertCloseStore(store, 0)


def _contexts(library: Any, store: Any) -> Generator[Any, None, None]:
    context = None
    try:
        while context := library.CertEnumCertificatesInStore(store, context):
            yield context
    finally:
        if context:  # the caller has stopped before the end
            library.CertFreeCertificateContext(context)


@cache
def _library() -> Any:
    return dll.load("crypt32", _FUNCTIONS)
