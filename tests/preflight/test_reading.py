"""Files told apart by what is in them, and the server's own certificate found among others."""

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12

from fleet.preflight.certificate.files.reading import read
from tests.preflight.pki import ca, codes, files, key, server, verdict

ROOT = ca("Reading Root")
MIDDLE = ca("Reading CA", ROOT, own=key("p256", 400))
LEAF = server(MIDDLE, own=key("p256", 401))


@pytest.mark.parametrize(
    "data",
    [
        LEAF.pem,
        LEAF.der,
        b"\xef\xbb\xbf" + LEAF.pem,
        b"\xff\xfe" + LEAF.pem.decode().encode("utf-16-le"),
        LEAF.pem.replace(b"\n", b"\r\n"),
        b"Bag Attributes\n    friendlyName: pos\n" + LEAF.pem,
        pkcs12.serialize_key_and_certificates(None, LEAF.key, LEAF.cert, None, NoEncryption()),
    ],
    ids=["PEM", "DER", "with a BOM", "UTF-16", "CRLF", "with text around", "PFX without a password"],
)
def test_every_dress_of_a_certificate_is_read(data: bytes) -> None:
    material = read(data, "--leaf")
    assert [cert.der for cert in material.certs] == [LEAF.der]
    assert material.findings == []


def test_blocks_may_stand_in_any_order_and_the_servers_own_is_found() -> None:
    for parts in ([MIDDLE.pem, LEAF.pem, LEAF.key_pem], [LEAF.key_pem, ROOT.pem, MIDDLE.pem, LEAF.pem]):
        result = verdict(files(b"".join(parts), roots=[ROOT]), "pos-srv")
        assert codes(result) == {"wrong_chain_order"}
    assert verdict(files(LEAF.pem + MIDDLE.pem, roots=[ROOT]), "pos-srv").findings[0].code == "key_not_given"


def test_a_pfx_brings_chain_and_key() -> None:
    lock = BestAvailableEncryption(b"geheim")
    pfx = pkcs12.serialize_key_and_certificates(b"pos", LEAF.key, LEAF.cert, [MIDDLE.cert, ROOT.cert], lock)
    # "Best available" is AES, which older servers cannot import: a warning, and nothing else.
    result = verdict(files(pfx, roots=[ROOT], password=b"geheim"), "pos-srv")
    assert [finding.code for finding in result.findings] == ["profile_gap"]
    assert "Windows Server up to 2016" in result.findings[0].message
    assert codes(verdict(files(pfx, roots=[ROOT], password=b"falsch"), "pos-srv")) == {"bad_password"}


def test_a_locked_key_opens_with_its_password_only() -> None:
    locked = LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim"))
    for password, expected in ((b"geheim", set()), (b"falsch", {"bad_password"}), (None, {"bad_password"})):
        assert codes(verdict(files(LEAF, MIDDLE, roots=[ROOT], key=locked, password=password), "pos-srv")) == expected


def test_a_password_that_nothing_needs_does_no_harm() -> None:
    given = files(LEAF, MIDDLE, roots=[ROOT], key=LEAF.key_pem, password=b"geheim")
    assert verdict(given, "pos-srv").findings == ()


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"hello", b"\x30", b"\x30\x80", b"\x30\x82\x01", b"-----BEGIN ", b"-----BEGIN X-----"]
)
def test_garbage_is_a_finding_that_names_the_file(data: bytes) -> None:
    material = read(data, "--leaf pos.pem")
    assert [finding.code for finding in material.findings] == ["malformed_input"]
    assert "--leaf pos.pem" in material.findings[0].message


def test_one_unreadable_root_among_others_is_passed_over_aloud() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    result = verdict(files(LEAF, MIDDLE, roots=[broken, ROOT]), "pos-srv")
    assert (result.suitable, codes(result)) == (True, {"profile_gap"})
    assert codes(verdict(files(LEAF, MIDDLE, roots=[broken]), "pos-srv")) >= {"malformed_input"}
