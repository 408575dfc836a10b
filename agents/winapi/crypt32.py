"""The certificate stores of the computer, as Windows keeps them. Only ever read, and never a user's: http.sys and
services see no other. What group policy has put there comes along by itself."""

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
# CRYPT_ACQUIRE_COMPARE_KEY_FLAG, _SILENT_FLAG (nobody sits before a service), _ALLOW_NCRYPT_KEY_FLAG
_ACQUIRE = 0x4 | 0x40 | 0x10000
_IS_CNG = 0xFFFFFFFF  # CERT_NCRYPT_KEY_SPEC


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the private key of a certificate is. machine: in the computer's keys, not in the profile of the user who
    imported it."""

    provider: str
    machine: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate of a store. key: None without one; purposes: DER of the only purposes that this computer lets it
    have (a SEQUENCE of OIDs, empty: none), None where it is not restricted."""

    der: bytes
    key: KeyPlace | None = None
    purposes: bytes | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """value: RSA, PKCS #1, highest byte first; or r and s, one after the other."""

    value: bytes
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
    """What is in this store of the computer, at most MOST of it; a store that was never made is empty. Raises OSError."""
    library = _library()
    with _opened(library, name) as contexts:
        return [_entry(library, context) for context, _ in zip(contexts, range(MOST), strict=False)]


def sign(thumbprint: str, data: bytes, *, rsa: bool) -> Signature:
    """Sign with the private key of this certificate of the computer's MY store, as whoever runs this. thumbprint: 40
    upper-case hex digits; rsa: its kind of key. Raises OSError, mostly Refused with what Windows says."""
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
    info = _KeyInfo.from_buffer(told)  # its texts are in the same memory
    return KeyPlace(info.provider or "", bool(info.flags & _MACHINE_KEY))


def _der(context: Any) -> bytes:
    return ctypes.string_at(context.contents.der, context.contents.size)


def _thumbprint(context: Any) -> str:
    return hashlib.sha1(_der(context)).hexdigest().upper()


def _property(library: Any, context: Any, number: int) -> Any:
    """The bytes of a property, writable; None where the certificate has none such or Windows does not give it."""
    size = wintypes.DWORD()
    if not library.CertGetCertificateContextProperty(context, number, None, ctypes.byref(size)):
        return None
    told = ctypes.create_string_buffer(size.value)
    return told if library.CertGetCertificateContextProperty(context, number, told, ctypes.byref(size)) else None


@contextlib.contextmanager
def _opened(library: Any, name: Name) -> Iterator[Iterator[Any]]:
    """The certificates of this store, each of which is given back when the next one is taken."""
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
        if context:  # whoever asked has stopped before the end
            library.CertFreeCertificateContext(context)


@cache
def _library() -> Any:
    return dll.load("crypt32", _FUNCTIONS)
