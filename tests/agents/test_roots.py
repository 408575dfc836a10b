"""A till's roots on Windows, through a stand-in for crypt32: the computer's, and none that it disallows or keeps for
something else. tests/windows/test_store.py asks the real stores."""

import ssl
from pathlib import Path

import certificates
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fake_crypt32 import FakeCrypt32

from agents.hosts.certstore import roots
from agents.lab import pki
from agents.winapi.crypt32 import Entry

SITE = pki.make()
SERVER_AUTH, EMAIL = bytes.fromhex("300a06082b06010505070301"), bytes.fromhex("300a06082b06010505070304")


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


ROOT, (LEAF, BETWEEN) = der(SITE.root), roots.blocks(SITE.good.pem)
FOREIGN = der(SITE.foreign[0])


def stores(**found: list[Entry]) -> FakeCrypt32:
    return FakeCrypt32(stores=dict(found))


def shaken(context: ssl.SSLContext, tmp_path: Path, *sent: bytes) -> str:
    """What a handshake with a server that sends these certificates ends in, by memory only; "" when it is trusted."""
    (tmp_path / "chain.pem").write_text("".join(map(roots.pem, sent)))
    (tmp_path / "key.pem").write_bytes(SITE.good.key or b"")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname="localhost")
    server = served.wrap_bio(there, back, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return ""


def test_the_computers_roots_without_those_it_disallows_or_keeps_for_other_things() -> None:
    kept = stores(ROOT=[Entry(ROOT), Entry(FOREIGN), Entry(ROOT)])
    assert roots.of_the_computer(kept) == [ROOT, FOREIGN]
    kept.stores["Disallowed"] = [Entry(FOREIGN)]
    assert roots.of_the_computer(kept) == [ROOT]
    for purposes, trusted in ((SERVER_AUTH, True), (EMAIL, False), (b"\x30\x00", False), (None, True)):
        assert roots.of_the_computer(stores(ROOT=[Entry(ROOT, purposes=purposes)])) == [ROOT] * trusted


def test_a_lookup_trusts_the_same_roots(tmp_path: Path) -> None:
    trusting = roots.context_of_the_computer(stores(ROOT=[Entry(b"no certificate"), Entry(ROOT)]))
    assert shaken(trusting, tmp_path, LEAF, BETWEEN) == ""
    for distrusted in (
        stores(),
        stores(ROOT=[Entry(FOREIGN)]),
        stores(ROOT=[Entry(ROOT)], Disallowed=[Entry(ROOT)]),
        stores(ROOT=[Entry(ROOT, purposes=EMAIL)]),
        stores(CA=[Entry(ROOT)]),
        stores(CA=[Entry(BETWEEN)]),
        stores(CA=[Entry(LEAF)]),
    ):
        assert shaken(roots.context_of_the_computer(distrusted), tmp_path, LEAF, BETWEEN) != ""


def test_an_intermediate_that_the_computer_has_completes_a_chain(tmp_path: Path) -> None:
    assert shaken(roots.context_of_the_computer(stores(ROOT=[Entry(ROOT)])), tmp_path, LEAF) != ""
    both = stores(ROOT=[Entry(ROOT)], CA=[Entry(BETWEEN)])
    assert shaken(roots.context_of_the_computer(both), tmp_path, LEAF) == ""


def test_a_context_judges_names_and_dates() -> None:
    context = roots.context_of_the_computer(stores(ROOT=[Entry(ROOT)]))
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_a_file_is_read_as_it_is(certificate: certificates.Certificate) -> None:
    assert roots.read(certificate.root) == [der(certificate.root.read_bytes())]
    assert roots.context(certificate.root).cert_store_stats()["x509"] == 1
    with pytest.raises(OSError):
        roots.context(certificate.root.parent / "missing.pem")
