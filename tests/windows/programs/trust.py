"""`trust.py add|remove FILE`: put this PEM certificate among the roots of the machine, or take it away again. Run by
Python for Windows."""

import ctypes
import ssl
import sys
from ctypes import wintypes
from pathlib import Path

MACHINE = 0x20000
SYSTEM_STORE = 10
X509 = 1
REPLACE = 3
SAME = 0xD0000

crypt32 = ctypes.WinDLL("crypt32", use_last_error=True)
crypt32.CertOpenStore.restype = ctypes.c_void_p
crypt32.CertOpenStore.argtypes = [ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p, wintypes.DWORD, ctypes.c_wchar_p]
crypt32.CertCreateCertificateContext.restype = ctypes.c_void_p
crypt32.CertCreateCertificateContext.argtypes = [wintypes.DWORD, ctypes.c_char_p, wintypes.DWORD]
crypt32.CertAddCertificateContextToStore.argtypes = [ctypes.c_void_p, ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p]
crypt32.CertFindCertificateInStore.restype = ctypes.c_void_p
crypt32.CertFindCertificateInStore.argtypes = [
    ctypes.c_void_p, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p, ctypes.c_void_p,
]  # fmt: skip
crypt32.CertDeleteCertificateFromStore.argtypes = [ctypes.c_void_p]
crypt32.CertCloseStore.argtypes = [ctypes.c_void_p, wintypes.DWORD]


def main(verb: str, file: str) -> None:
    """Raises OSError."""
    der = ssl.PEM_cert_to_DER_cert(Path(file).read_text())
    store = crypt32.CertOpenStore(SYSTEM_STORE, 0, None, MACHINE, "ROOT")
    certificate = crypt32.CertCreateCertificateContext(X509, der, len(der))
    if verb == "add":
        done = crypt32.CertAddCertificateContextToStore(store, certificate, REPLACE, None)
    else:
        done = crypt32.CertDeleteCertificateFromStore(
            crypt32.CertFindCertificateInStore(store, X509, 0, SAME, certificate, None)
        )
    if not done or not crypt32.CertCloseStore(store, 0):
        raise ctypes.WinError(ctypes.get_last_error())


main(*sys.argv[1:])
