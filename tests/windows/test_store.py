"""The machine's certificate stores, as the agent reads them through the real crypt32, advapi32 and ncrypt of Wine.

Where Wine 8.0 is no Windows: it looks for every private key among the user's (tests/windows/imports.py puts a machine's
key there too), so that a key which only SYSTEM may open cannot be told from one that everybody may, and says of a key that
is gone that there is none (0x8009200B, Windows: 0x80090016); it has no physical store of group policy's; its key storage
provider keeps nothing, so CNG keys are tried without a certificate, and RSA only, because it makes no other. All that
is shown with stand-ins in tests/agents/test_store.py."""

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from agents.lab import pki
from tests.windows.wine import Windows

HERE = Path(__file__).parent
EMAIL = "1.3.6.1.5.5.7.3.4"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
# A certificate each: into which store, and what becomes of its key.
STORED: dict[str, dict[str, Any]] = {
    "good": {"keys": "machine"},
    "in a profile": {"keys": "user"},
    "not kept": {"keys": "machine", "kept": False},
    "without a key": {"key": None},
    "of another": {"keys": "machine", "key": "good"},
    "in the user's store": {"of": "user", "keys": "user"},
    "in trusted root": {"store": "ROOT", "keys": "machine"},
}
# A root each.
ROOTS: dict[str, dict[str, Any]] = {
    "computer's": {},
    "user's": {"of": "user"},
    "disallowed": {},
    "for mail": {"purposes": [EMAIL]},
    "for nothing": {"purposes": []},
    "for mail and servers": {"purposes": [EMAIL, SERVER_AUTH]},
}

_CNG = """
import ctypes, sys
from ctypes import wintypes
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from agents.winapi import ncrypt
from agents.winapi.dll import Refused

library, handle = ctypes.WinDLL("ncrypt"), ctypes.c_size_t
library.NCryptCreatePersistedKey.argtypes = (
    handle, ctypes.POINTER(handle), wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD)
library.NCryptFinalizeKey.argtypes = (handle, wintypes.DWORD)
library.NCryptExportKey.argtypes = (handle, handle, wintypes.LPCWSTR, ctypes.c_void_p, ctypes.c_char_p, wintypes.DWORD,
    ctypes.POINTER(wintypes.DWORD), wintypes.DWORD)
provider, key, size = handle(), handle(), wintypes.DWORD()
assert library.NCryptOpenStorageProvider(ctypes.byref(provider), None, 0) == 0
assert library.NCryptCreatePersistedKey(provider, ctypes.byref(key), "RSA", None, 0, 0) == 0
assert library.NCryptFinalizeKey(key, 0) == 0
blob = ctypes.create_string_buffer(4096)
assert library.NCryptExportKey(key, 0, "RSAPUBLICBLOB", None, blob, 4096, ctypes.byref(size), 0) == 0
exponent, modulus = (int.from_bytes(blob.raw[at : at + 4], "little") for at in (8, 12))
numbers = blob.raw[24 : 24 + exponent + modulus]
public = rsa.RSAPublicNumbers(int.from_bytes(numbers[:exponent]), int.from_bytes(numbers[exponent:])).public_key()
public.verify(ncrypt.sign(key.value, b"data", rsa=True), b"data", padding.PKCS1v15(), hashes.SHA256())
ncrypt.release(key.value)
try:
    ncrypt.sign(0, b"data", rsa=True)
except Refused as error:
    print(hex(error.number))
"""


@dataclass(frozen=True)
class Seen:
    """What look.py printed, and which thumbprint is whose."""

    told: dict[str, Any]
    names: dict[str, str]

    def row(self, name: str) -> dict[str, Any] | None:
        return self.told["rows"].get(self.names[name])

    def check(self, name: str) -> tuple[str, str]:
        code, message = self.told["checks"].get(self.names[name], self.told["unknown"])
        return code, message

    def roots(self, whose: str) -> set[str]:
        return {name for name in ROOTS if self.names[name] in self.told[whose]}


@pytest.fixture(scope="module")
def seen(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Everything imported, looked at once, and removed again."""
    folder = tmp_path_factory.mktemp("store")
    made = {name: pki.make() for name in (*STORED, *ROOTS)}
    imports = json.dumps([*_stored(folder, made), *_roots(folder, made)])
    (folder / "agent.toml").write_text(
        'role = "server"\nname = "SERVER"\ngateway = "wss://127.0.0.1:1/agent"\n'
        'gateway_ca = "ca.pem"\nstate = "."\nsettings = "NetPOS.xml"\n'
    )
    importer = windows.path(HERE / "imports.py")
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_served(folder, made[name].good)) for name in ROOTS]
        try:
            windows.run(importer, "put", imports)
            told = windows.run(windows.path(HERE / "look.py"), windows.path(folder / "agent.toml"), *map(str, ports))
        finally:
            windows.run(importer, "remove", imports)
    names = {name: made[name].good.thumbprint for name in STORED} | {name: _thumbprint(made[name].root) for name in ROOTS}
    return Seen(json.loads(told), names)


def _stored(folder: Path, made: dict[str, pki.Pki]) -> list[dict[str, Any]]:
    """What imports.py takes, with the files for it."""
    rows = []
    for name, how in STORED.items():
        for kind, data in (("pem", made[name].good.pem), ("key", made[name].good.key)):
            (folder / f"{name}.{kind}").write_bytes(data or b"")
        files = {kind: Windows.path(folder / f"{name}.{kind}") for kind in ("pem", "key")}
        row = {"store": "MY", "of": "machine", **files, **how}
        rows.append(row | ({"key": Windows.path(folder / f"{how['key']}.key")} if how.get("key") else {}))
    return rows


def _roots(folder: Path, made: dict[str, pki.Pki]) -> list[dict[str, Any]]:
    rows = []
    for name, how in ROOTS.items():
        (folder / f"root {name}.pem").write_bytes(made[name].root)
        rows.append({"store": "ROOT", "of": "machine", "pem": Windows.path(folder / f"root {name}.pem"), **how})
    return [*rows, {"store": "Disallowed", "of": "machine", "pem": Windows.path(folder / "root disallowed.pem")}]


@contextlib.contextmanager
def _served(folder: Path, certificate: pki.Stored) -> Iterator[int]:
    """The port of a server with this certificate, which answers an empty list."""
    pem, key = (folder / f"{certificate.thumbprint}.{kind}" for kind in ("pem", "key"))
    pem.write_bytes(certificate.pem)
    key.write_bytes(certificate.key or b"")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with _Server(("127.0.0.1", 0), _Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A till that does not trust the certificate hangs up."""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _thumbprint(pem: bytes) -> str:
    return pki.thumbprint(x509.load_pem_x509_certificate(pem))


def test_the_inventory_tells_of_every_certificate_and_its_key(seen: Seen) -> None:
    facts = {name: (row["has_key"], row["machine_key"], row["readable"]) for name in STORED if (row := seen.row(name))}
    assert facts == {
        "good": (True, True, True),
        "in a profile": (True, False, None),
        "not kept": (True, True, False),
        "without a key": (False, None, None),
        "of another": (True, True, False),
    }
    good = seen.row("good")
    assert good is not None
    assert (good["names"], good["issuer"]) == (["localhost", "127.0.0.1", "::1"], "CN=Clubhouse Issuing CA 1,O=Clubhouse")
    assert good["not_after"] > good["not_before"]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("good", "", ""),
        ("in a profile", "key_in_profile", "1312"),
        ("not kept", "key_unreadable", "there is no such key"),
        ("without a key", "certificate_key_missing", "has no private key"),
        ("of another", "key_unreadable", "the key belongs to another certificate"),
        ("in the user's store", "certificate_missing", "is not in the machine's store"),
        ("in trusted root", "certificate_missing", "is not in the machine's store"),
    ],
)
def test_what_may_be_bound_and_why_not(seen: Seen, name: str, code: str, words: str) -> None:
    found, message = seen.check(name)
    assert (found, words in message) == (code, True)


def test_a_tills_roots_are_the_computers_and_no_persons(seen: Seen) -> None:
    assert seen.roots("users") == set(ROOTS)  # as ssl has them, all of these count
    assert seen.roots("roots") == {"computer's", "for mail and servers"}


def test_a_lookup_trusts_exactly_these(seen: Seen) -> None:
    codes = dict(zip(ROOTS, seen.told["lookups"], strict=True))
    assert codes == {name: "" if name in seen.roots("roots") else "untrusted_root" for name in ROOTS}


def test_a_key_of_a_key_storage_provider_signs(windows: Windows) -> None:
    """0x80090026: NTE_INVALID_HANDLE, so that what Windows refuses is told by its number."""
    assert windows.run("-c", _CNG).split() == ["0x80090026"]
