"""Files as Windows, mail, web pages and editors leave them: told apart by content, whatever is around and in them."""

import base64
import subprocess
import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)

from fleet.preflight.certificate.files import rc2
from fleet.preflight.certificate.files.reading import read
from fleet.preflight.certificate.tolerant.asn1 import encode
from tests.preflight.odd import Odd, entry, oid, pem, remade, with_entry
from tests.preflight.pki import ca, codes, files, key, server, verdict

ROOT = ca("Files Root", own=key("p256", 640))
MIDDLE = ca("Files CA", ROOT, own=key("p256", 641))
LOWER = ca("Files Lower CA", MIDDLE, own=key("p256", 642))
LEAF = server(LOWER, own=key("p256", 643))
SIGNED = oid("1.2.840.113549.1.7.2")
TEXT = LEAF.pem.decode()


def _each_line(end: str, text: str = TEXT) -> bytes:
    return text.replace("\n", end).encode()


DRESSES = {
    "zero-width space": _each_line("\u200b\n"),
    "no-break space": _each_line("\u00a0\n"),
    "no-break space in Latin-1": TEXT.replace("\n", "\u00a0\n").encode("latin-1"),
    "soft hyphen in Latin-1": TEXT.replace("\n", "\u00ad\n").encode("latin-1"),
    "byte order mark in the middle": _each_line("\ufeff\n"),
    "ideographic space": _each_line("\u3000\n"),
    "turning of the writing": "\u202a".encode() + _each_line("\u200e\n"),
    "tabs": _each_line("\t\n\t"),
    "CR only": _each_line("\r"),
    "CR CR LF": _each_line("\r\r\n"),
    "line separators": _each_line("\u2028"),
    "form feed": _each_line("\f\n"),
    "empty lines": _each_line("\n\n"),
    "one line": _each_line(" "),
    "no-break space in the first line": TEXT.replace("BEGIN ", "BEGIN\u00a0").encode(),
    "NUL at the end": TEXT.encode() + bytes(16),
    "Ctrl-Z at the end": TEXT.encode() + b"\x1a",
    "text of any encoding around": "Zertifikat für die Kasse\n".encode("latin-1") + TEXT.encode() + "ß\n".encode("cp1252"),
    "UTF-16 with its mark": TEXT.encode("utf-16"),
    "UTF-16 of the other order": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-16 without its mark": TEXT.encode("utf-16-le"),
    "UTF-16 of the other order without its mark": TEXT.encode("utf-16-be"),
    "headers": TEXT.replace("-\n", "-\nX-Till: 7\n\n", 1).encode(),
    "base64 alone": base64.encodebytes(LEAF.der),
    "base64 alone in UTF-16": base64.encodebytes(LEAF.der).decode().encode("utf-16"),
    "trusted without settings": pem(LEAF.der, "TRUSTED CERTIFICATE"),
    "X509 CERTIFICATE": pem(LEAF.der, "X509 CERTIFICATE"),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_a_certificate_in_any_dress_is_read(dress: str) -> None:
    material = read(DRESSES[dress], "--leaf")
    assert [cert.der for cert in material.certs] == [LEAF.der], material.findings
    assert material.findings == []


@pytest.mark.parametrize("letter", list("!*-_?;:§é€“"))
def test_a_character_that_can_be_seen_is_damage(letter: str) -> None:
    text = TEXT[:200] + letter + TEXT[200:]
    assert [finding.code for finding in read(text.encode(), "--leaf").findings] == ["malformed_input"]


def _locks() -> dict[str, tuple[bytes, bytes | None]]:
    own, lock = LEAF.key, BestAvailableEncryption(b"geheim")
    rsa = key("rsa", 644)
    return {
        "PKCS #8": (own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), None),
        "SEC 1": (own.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()), None),
        "PKCS #1": (rsa.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()), None),
        "PKCS #8 locked": (own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock), b"geheim"),
        "SEC 1 locked": (own.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, lock), b"geheim"),
    }


LOCKS = _locks()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n\r\n", "\u200b\n", "\u00a0\n", "\t\n", " \n\n"])
@pytest.mark.parametrize("kind", LOCKS)
def test_a_key_in_any_dress_is_read(kind: str, end: str) -> None:
    data, password = LOCKS[kind]
    for text in (data.decode().replace("\n", end).encode(), data.decode().replace("\n", end).encode("utf-16")):
        material = read(text, "--key", password)
        assert (len(material.keys), material.findings) == (1, [])
        if password:
            assert [finding.code for finding in read(text, "--key", b"falsch").findings] == ["bad_password"]
            assert [finding.code for finding in read(text, "--key").findings] == ["bad_password"]


def test_a_locked_key_in_der_is_told_from_garbage() -> None:
    locked = LEAF.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim"))
    assert len(read(locked, "--key", b"geheim").keys) == 1
    for password in (b"falsch", None):
        assert [finding.code for finding in read(locked, "--key", password).findings] == ["bad_password"]


def _p7b(*ders: bytes, is_open: bool = False) -> bytes:
    """As certmgr.msc exports it: no digests, no content, no signers."""
    empty = encode(0x30, oid("1.2.840.113549.1.7.1"))
    wrap = (lambda tag, *parts: bytes([tag, 0x80]) + b"".join(parts) + b"\x00\x00") if is_open else encode
    inner = wrap(0x30, b"\x02\x01\x01", b"\x31\x00", empty, wrap(0xA0, *ders), b"\x31\x00")
    return wrap(0x30, SIGNED, wrap(0xA0, inner))


STORES = {
    "DER": _p7b(LEAF.der, MIDDLE.der, LOWER.der),
    "BER": _p7b(MIDDLE.der, LEAF.der, LOWER.der, is_open=True),
    "the library's": pkcs7.serialize_certificates([LEAF.cert, LOWER.cert, MIDDLE.cert], Encoding.DER),
}


@pytest.mark.parametrize("label", [None, "PKCS7", "CERTIFICATE", "CMS", "PKCS #7 SIGNED DATA"])
@pytest.mark.parametrize("form", STORES)
def test_a_p7b_is_read_and_has_no_order(form: str, label: str | None) -> None:
    data = STORES[form] if label is None else pem(STORES[form], label)
    assert codes(verdict(files(data, roots=[ROOT]), "pos-srv")) == set()
    assert codes(verdict(files(LEAF, data, roots=[ROOT]), "pos-srv")) == set()
    everything = pem(_p7b(ROOT.der, LEAF.der, MIDDLE.der, LOWER.der)) if label else _p7b(ROOT.der)
    assert verdict(files(LEAF, LOWER, MIDDLE, roots=[everything]), "pos-srv").suitable


@pytest.mark.parametrize("cut", [3, 30, 60, 200, -40])
def test_a_damaged_p7b_is_a_finding(cut: int) -> None:
    result = verdict(files(STORES["DER"][:cut], roots=[ROOT]), "pos-srv")
    assert "malformed_input" in codes(result)
    assert codes(verdict(files(_p7b(), roots=[ROOT]), "pos-srv")) == {"no_leaf"}


def _trusted(*parts: bytes) -> bytes:
    return pem(ROOT.der + encode(0x30, *parts), "TRUSTED CERTIFICATE")


SERVES, CLIENTS = oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")


def test_openssls_settings_beside_a_root_are_obeyed() -> None:
    name = encode(0x0C, b"till root")
    for parts in ((), (name,), (encode(0x30, SERVES), name), (encode(0x30, CLIENTS, SERVES), encode(0xA0, CLIENTS))):
        assert verdict(files(LEAF, LOWER, MIDDLE, roots=[_trusted(*parts)]), "pos-srv").suitable
    for parts in ((encode(0x30, CLIENTS), name), (encode(0xA0, SERVES),), (encode(0x30, SERVES), encode(0xA0, SERVES))):
        refused = verdict(files(LEAF, LOWER, MIDDLE, roots=[_trusted(*parts)]), "pos-srv")
        assert not refused.suitable
        assert "untrusted_root" in codes(refused)
        assert verdict(files(_trusted(*parts) + LEAF.pem, LOWER, MIDDLE, roots=[ROOT]), "pos-srv").suitable
    torn = pem(ROOT.der + b"\x30\x05", "TRUSTED CERTIFICATE")
    assert "malformed_input" in codes(verdict(files(LEAF, LOWER, MIDDLE, roots=[torn]), "pos-srv"))


ODD = remade(
    LEAF, LOWER.key, lambda fields: setattr(fields, "subject", with_entry(fields.subject, entry("2.5.4.11", 0x13, b"a@b")))
)


def _pfx(folder: Path, *options: str, leaf: Odd = ODD, password: str = "geheim") -> bytes:
    """A PFX by OpenSSL, which asks for nothing in a name. Skips, aloud, where there is no OpenSSL."""
    (folder / "leaf").write_bytes(leaf.pem)
    (folder / "key").write_bytes(LEAF.key_pem)
    (folder / "chain").write_bytes(LOWER.pem + MIDDLE.pem)
    command = ["openssl", "pkcs12", "-export", "-in", "leaf", "-inkey", "key", "-certfile", "chain", "-out", "pfx"]
    try:
        subprocess.run([*command, "-passout", f"pass:{password}", *options], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl is here: a PFX of other programs is NOT read")
    return (folder / "pfx").read_bytes()


OPTIONS = {
    "AES-256": [],
    "AES-128 and SHA-1": ["-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC", "-macalg", "sha1"],
    "AES-192 and SHA-512": ["-keypbe", "AES-192-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"],
    "TripleDES": ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
    "TripleDES with two keys": ["-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-2DES", "-macalg", "sha1"],
    "RC2 of 40 bits": ["-legacy"],
    "RC2 of 128 bits": ["-legacy", "-certpbe", "PBE-SHA1-RC2-128"],
    "certificates unlocked": ["-certpbe", "NONE"],
    "without a seal": ["-nomac"],
}


@pytest.mark.parametrize("how", OPTIONS)
def test_a_pfx_with_an_odd_certificate_opens_by_its_password_only(how: str, tmp_path: Path) -> None:
    data = _pfx(tmp_path, *OPTIONS[how])
    result = verdict(files(data, roots=[ROOT], password=b"geheim"), "pos-srv")
    assert result.suitable, result.findings
    assert codes(result) == {"profile_gap"}  # It is odd; and the key was given.
    assert "key_not_given" not in {finding.code for finding in result.findings}
    for password in (b"falsch", b"", None):
        assert codes(verdict(files(data, roots=[ROOT], password=password), "pos-srv")) == {"bad_password"}
    warned = [finding for finding in result.findings if "Windows Server up to 2016" in finding.message]
    assert bool(warned) is ("AES" in how or how in ("certificates unlocked", "without a seal"))


@pytest.mark.parametrize("password", ["", "pässword", "密码"])
def test_any_password_opens_it(password: str, tmp_path: Path) -> None:
    for options in ([], OPTIONS["TripleDES"]):
        data = _pfx(tmp_path, *options, password=password)
        assert verdict(files(data, roots=[ROOT], password=password.encode()), "pos-srv").suitable


def test_a_torn_pfx_has_a_verdict(tmp_path: Path) -> None:
    data = _pfx(tmp_path, *OPTIONS["TripleDES"])
    for place in range(0, len(data), 7):
        torn = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        result = verdict(files(torn, roots=[ROOT], password=b"geheim"), "pos-srv")
        assert codes(result) & {"bad_password", "malformed_input", "no_leaf"} or result.suitable
    for size in range(0, len(data), 101):
        assert not verdict(files(data[:size], roots=[ROOT], password=b"geheim"), "pos-srv").suitable


def test_a_pfx_for_old_servers_is_not_warned_of() -> None:
    lock = (
        PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).build(b"geheim")
    )
    pfx = pkcs12.serialize_key_and_certificates(None, LEAF.key, LEAF.cert, [MIDDLE.cert, LOWER.cert], lock)
    assert verdict(files(pfx, roots=[ROOT], password=b"geheim"), "pos-srv").findings == ()


@pytest.mark.parametrize(
    ("key_hex", "locked", "plain"),
    [
        ("ffffffffffffffff", "278b27e42e2f0d49", "ffffffffffffffff"),
        ("3000000000000000", "30649edf9be7d2c2", "1000000000000001"),
        ("88bca90e90875a7f0f79c384627bafb2", "2269552ab0f85ca6", "0000000000000000"),
    ],
)
def test_rc2_by_the_examples_of_rfc_2268(key_hex: str, locked: str, plain: str) -> None:
    assert rc2.decrypt(bytes.fromhex(locked), bytes.fromhex(key_hex), bytes(8)).hex() == plain


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_at_all_are_a_fault_of_ours(seed: int) -> None:
    noise = zlib.compress(seed.to_bytes(4) * 50)
    parts = [LEAF.der, STORES["BER"], LEAF.key_pem, _trusted(encode(0x30, SERVES)), noise]
    whole = parts[seed % 5]
    place = (seed * 7919) % len(whole)
    for data in (whole[:place], whole[:place] + noise + whole[place:], whole[place:], b"\x30\x80" * seed + whole):
        for finding in read(data, "--leaf", b"x").findings:
            assert finding.message.startswith("--leaf")
