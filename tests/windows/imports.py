"""Run by Python for Windows: puts certificates into Windows' stores, and their keys where they are asked for, as a PFX
import does. Wine's own PFXImportCertStore (8.0) puts every key into one container of the user and says nothing of
CRYPT_MACHINE_KEYSET, so the parts of an import are called one by one. And CryptAcquireCertificatePrivateKey (Wine 8.0,
crypt32/cert.c) looks for every key among the user's, whatever the certificate says of it: a key of the machine's that is
to be found is therefore put there too, under the same name.

Arguments: put or remove, and JSON, a list of objects. store: MY, CA, ROOT, Disallowed; of: machine or user; pem: the
certificate's file; key: its key's file, null for none; keys: machine or user, where the key goes; kept: false for a key
that is lost after the import (no PersistKeySet); purposes: OIDs to which the computer restricts it, null for no
restriction."""

import contextlib
import ctypes
import json
import struct
import sys
from collections.abc import Iterator
from ctypes import wintypes
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

PROVIDER, RSA_FULL = "Microsoft Enhanced Cryptographic Provider v1.0", 1
NEW_KEYSET, MACHINE_KEYSET, DELETE_KEYSET, EXPORTABLE = 0x8, 0x20, 0x10, 0x1
KEY_EXCHANGE, CALG_RSA_KEYX = 1, 0xA400
PLACES = {"machine": 0x20000, "user": 0x10000}
KEY_INFO, PURPOSES = 2, 9
OID_DER = {"1.3.6.1.5.5.7.3.1": "06082b06010505070301", "1.3.6.1.5.5.7.3.4": "06082b06010505070304"}

HANDLE = ctypes.c_size_t
crypt32 = ctypes.WinDLL("crypt32", use_last_error=True)
advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)


class KeyInfo(ctypes.Structure):
    """CRYPT_KEY_PROV_INFO."""

    _fields_ = (
        ("container", wintypes.LPCWSTR),
        ("provider", wintypes.LPCWSTR),
        ("type", wintypes.DWORD),
        ("flags", wintypes.DWORD),
        ("parameters", wintypes.DWORD),
        ("parameter", ctypes.c_void_p),
        ("which", wintypes.DWORD),
    )


class Blob(ctypes.Structure):
    """CRYPT_DATA_BLOB."""

    _fields_ = (("size", wintypes.DWORD), ("data", ctypes.c_char_p))


def _typed(function: Any, *arguments: Any, result: Any = wintypes.BOOL) -> Any:
    function.argtypes, function.restype = arguments, result
    return function


open_store = _typed(
    crypt32.CertOpenStore, ctypes.c_void_p, wintypes.DWORD, HANDLE, wintypes.DWORD, wintypes.LPCWSTR, result=ctypes.c_void_p
)
add = _typed(
    crypt32.CertAddEncodedCertificateToStore,
    ctypes.c_void_p, wintypes.DWORD, ctypes.c_char_p, wintypes.DWORD, wintypes.DWORD, ctypes.POINTER(ctypes.c_void_p),
)  # fmt: skip
set_property = _typed(
    crypt32.CertSetCertificateContextProperty, ctypes.c_void_p, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p
)
duplicate = _typed(crypt32.CertDuplicateCertificateContext, ctypes.c_void_p, result=ctypes.c_void_p)
delete = _typed(crypt32.CertDeleteCertificateFromStore, ctypes.c_void_p)
free = _typed(crypt32.CertFreeCertificateContext, ctypes.c_void_p)
control = _typed(crypt32.CertControlStore, ctypes.c_void_p, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p)
close_store = _typed(crypt32.CertCloseStore, ctypes.c_void_p, wintypes.DWORD)
acquire = _typed(
    advapi32.CryptAcquireContextW,
    ctypes.POINTER(HANDLE), wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD,
)  # fmt: skip
import_key = _typed(
    advapi32.CryptImportKey, HANDLE, ctypes.c_char_p, wintypes.DWORD, HANDLE, wintypes.DWORD, ctypes.POINTER(HANDLE)
)
destroy_key = _typed(advapi32.CryptDestroyKey, HANDLE)
release = _typed(advapi32.CryptReleaseContext, HANDLE, wintypes.DWORD)


def main() -> None:
    for one in json.loads(sys.argv[2]):
        {"put": put, "remove": remove}[sys.argv[1]](**one)


def put(
    store: str,
    of: str,
    pem: str,
    key: str | None = None,
    keys: str = "machine",
    kept: bool = True,
    purposes: list[str] | None = None,
) -> None:
    """One import."""
    certificate = x509.load_pem_x509_certificate(Path(pem).read_bytes())
    with added(store, of, certificate.public_bytes(Encoding.DER)) as context:
        if key is not None:
            give_key(context, key, named(certificate), MACHINE_KEYSET if keys == "machine" else 0, kept)
        if purposes is not None:
            inside = b"".join(bytes.fromhex(OID_DER[oid]) for oid in purposes)
            der = bytes([0x30, len(inside)]) + inside
            done(set_property(context, PURPOSES, 0, ctypes.byref(Blob(len(der), der))))


def remove(store: str, of: str, pem: str, **_: object) -> None:
    """Undo an import, its containers too: the Windows of these tests is kept for the next run."""
    certificate = x509.load_pem_x509_certificate(Path(pem).read_bytes())
    with added(store, of, certificate.public_bytes(Encoding.DER)) as context:
        done(delete(duplicate(context)))
    for place in (MACHINE_KEYSET, 0):
        acquire(ctypes.byref(HANDLE()), named(certificate), PROVIDER, RSA_FULL, DELETE_KEYSET | place)


def named(certificate: x509.Certificate) -> str:
    """The container of its key."""
    return f"test {certificate.serial_number:x}"


@contextlib.contextmanager
def added(store: str, of: str, der: bytes) -> Iterator[ctypes.c_void_p]:
    """This certificate in that store; what is set on it stays."""
    opened, context = open_store(10, 0, 0, PLACES[of], store), ctypes.c_void_p()
    done(opened)
    done(add(opened, 1, der, len(der), 3, ctypes.byref(context)))  # X509_ASN_ENCODING, CERT_STORE_ADD_REPLACE_EXISTING
    yield context
    done(control(opened, 0, 3, None))  # CERT_STORE_CTRL_COMMIT: without it Wine forgets what was removed
    free(context)
    done(close_store(opened, 0))


def give_key(context: ctypes.c_void_p, file: str, container: str, where: int, kept: bool) -> None:
    """The key in a container of this name, and the certificate that says so."""
    key = load_pem_private_key(Path(file).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    for place in {where, 0}:
        acquire(ctypes.byref(HANDLE()), container, PROVIDER, RSA_FULL, DELETE_KEYSET | place)  # of an earlier run
        if kept:
            put_key(container, place, private_key_blob(key.private_numbers()))
    info = KeyInfo(container, PROVIDER, RSA_FULL, where, 0, None, KEY_EXCHANGE)
    done(set_property(context, KEY_INFO, 0, ctypes.byref(info)))


def put_key(container: str, where: int, blob: bytes) -> None:
    """A container of this name with this key."""
    provider, imported = HANDLE(), HANDLE()
    done(acquire(ctypes.byref(provider), container, PROVIDER, RSA_FULL, NEW_KEYSET | where))
    done(import_key(provider, blob, len(blob), 0, EXPORTABLE, ctypes.byref(imported)))
    destroy_key(imported)
    release(provider, 0)


def private_key_blob(key: rsa.RSAPrivateNumbers) -> bytes:
    """PRIVATEKEYBLOB: numbers of fixed lengths, lowest byte first."""
    size = (key.public_numbers.n.bit_length() + 7) // 8
    head = struct.pack("<BBHI4sII", 7, 2, 0, CALG_RSA_KEYX, b"RSA2", size * 8, key.public_numbers.e)
    halves = [key.p, key.q, key.dmp1, key.dmq1, key.iqmp]
    return (
        head
        + key.public_numbers.n.to_bytes(size, "little")
        + b"".join(number.to_bytes(size // 2, "little") for number in halves)
        + key.d.to_bytes(size, "little")
    )


def done(result: Any) -> None:
    """Raises OSError with Windows' last error."""
    if not result:
        raise ctypes.WinError(ctypes.get_last_error())


if __name__ == "__main__":
    main()
