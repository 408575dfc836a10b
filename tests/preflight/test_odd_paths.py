"""Paths over certificates that the strict library refuses: nothing that a bound till refuses becomes suitable."""

import random
from itertools import pairwise
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from fleet.preflight.certificate.codes import RULES, Code, Severity
from fleet.preflight.certificate.tolerant.asn1 import children, encode
from tests.preflight.defects import PLANTERS, Case, Site
from tests.preflight.odd import NULL, RSA, Fields, Odd, entry, extension, oid, remade, with_entry
from tests.preflight.openssl import openssl_takes
from tests.preflight.pki import NOTHING, Issued, ca, codes, files, key, server, verdict

ROOT = ca("Path Odd Root", own=key("p256", 620))
MIDDLE = ca("Path Odd CA", ROOT, own=key("p256", 621))
LEAF = server(MIDDLE, own=key("p256", 622))
FALSE, TRUE_BY_BER = b"\x01\x01\x00", b"\x01\x01\x01"
BASIC = "2.5.29.19"


def _negative(fields: Fields) -> None:
    fields.serial = b"\x02\x02\x80\x01"


def _codes(leaf: Any, *chain: Any, roots: Any) -> tuple[bool, set[str]]:
    result = verdict(files(leaf.pem, *[one.pem for one in chain], roots=[root.pem for root in roots]), "pos-srv")
    return result.suitable, codes(result)


def _named(part: bytes, *, issuer: bool = False, subject: bool = False) -> Any:
    def change(fields: Fields) -> None:
        fields.issuer = with_entry(fields.issuer, part) if issuer else fields.issuer
        fields.subject = with_entry(fields.subject, part) if subject else fields.subject

    return change


@pytest.mark.parametrize("letter", "*&@_;")
@pytest.mark.parametrize("tag", [0x13, 0x14, 0x16, 0x12])
def test_an_odd_name_of_a_ca_is_the_same_name_below_it(letter: str, tag: int) -> None:
    odd = entry("2.5.4.10", tag, b"Pier " + letter.encode() + b" S\xf6hne")
    middle = remade(MIDDLE, ROOT.key, _named(odd, subject=True))
    leaf = remade(LEAF, MIDDLE.key, _named(odd, issuer=True))
    suitable, found = _codes(leaf, middle, roots=[ROOT])
    assert suitable
    assert found <= {"profile_gap"}  # Nobody asks for the names of a CA that can be read apart from them.
    assert openssl_takes(leaf.pem, [middle.pem], [ROOT.pem], "pos-srv") == ""
    other = remade(LEAF, MIDDLE.key, _named(entry("2.5.4.10", tag, b"Pier " + letter.encode() + b" S\xf6hn"), issuer=True))
    assert _codes(other, middle, roots=[ROOT])[1] >= {"missing_intermediate"}


@pytest.mark.parametrize("letter", "*&@_;")
def test_an_odd_name_of_a_root_is_too(letter: str) -> None:
    odd = entry("2.5.4.10", 0x13, b"Pier " + letter.encode())
    root = remade(ROOT, ROOT.key, _named(odd, issuer=True, subject=True))
    middle = remade(MIDDLE, ROOT.key, _named(odd, issuer=True))
    assert _codes(LEAF, middle, roots=[root]) == (True, {"profile_gap"})
    damaged = Odd(root.der[:-1] + bytes([root.der[-1] ^ 1]), None)
    assert _codes(LEAF, middle, roots=[damaged]) == (False, {"bad_signature", "profile_gap"})


OLD = ca("Version One", own=key("p256", 623))


def _version_1(fields: Fields) -> None:
    fields.version, fields.extensions = b"", None


def _version_1_written_out(fields: Fields) -> None:
    fields.version, fields.extensions = bytes.fromhex("a003020100"), None


def test_a_root_of_version_1_is_an_anchor_and_no_more() -> None:
    middle = ca("Below One", OLD, own=key("p256", 624))
    for change in (_version_1, _version_1_written_out):
        root = remade(OLD, OLD.key, change)
        assert _codes(server(OLD), roots=[root]) == (True, {"profile_gap"})
        assert _codes(server(middle), middle, roots=[root]) == (True, {"profile_gap"})
        assert openssl_takes(server(OLD).pem, [], [root.pem], "pos-srv") == ""
        assert _codes(server(OLD, "other"), roots=[root])[1] == {"profile_gap", "name_mismatch"}
    torn = Odd(root.der[:-1] + bytes([root.der[-1] ^ 1]), None)
    assert _codes(server(OLD), roots=[torn]) == (False, {"profile_gap", "bad_signature"})


def test_below_the_anchor_version_1_is_no_ca_and_no_server() -> None:
    middle = ca("In Between", ROOT, own=key("p256", 625))
    old = remade(middle, ROOT.key, _version_1)
    assert "not_a_ca" in _codes(server(middle), old, roots=[ROOT])[1]
    # Signed by another CA it is no root either, although the terminals have it.
    assert "not_a_ca" in _codes(server(middle), roots=[old])[1]
    assert "no_san" in _codes(remade(LEAF, MIDDLE.key, _version_1), MIDDLE, roots=[ROOT])[1]


def test_a_root_of_version_3_says_that_it_is_a_ca() -> None:
    bare = remade(OLD, OLD.key, lambda fields: setattr(fields, "extensions", None))
    assert "not_a_ca" in _codes(server(OLD), roots=[bare])[1]


def test_a_cas_flag_by_ber_counts_and_false_written_out_is_none() -> None:
    middle = remade(MIDDLE, ROOT.key, lambda fields: fields.put(BASIC, encode(0x30, TRUE_BY_BER), TRUE_BY_BER))
    assert _codes(LEAF, middle, roots=[ROOT]) == (True, {"profile_gap"})
    for none in (encode(0x30, FALSE), encode(0x30, FALSE, b"\x02\x01\x03"), encode(0x30, b"\x02\x01\x03")):
        middle = remade(MIDDLE, ROOT.key, lambda fields, none=none: fields.put(BASIC, none, TRUE_BY_BER))
        assert "not_a_ca" in _codes(LEAF, middle, roots=[ROOT])[1]


@pytest.mark.parametrize("serial", [b"\x02\x01\x00", b"\x02\x01\x80", encode(0x02, b"\x01" * 30)])
def test_a_roots_serial_number_decides_nothing(serial: bytes) -> None:
    root = remade(ROOT, ROOT.key, lambda fields: setattr(fields, "serial", serial))
    assert _codes(LEAF, MIDDLE, roots=[root])[0]


SIGNER = ca("RSA Signer", own=key("rsa", 626))
BY_RSA = server(SIGNER, own=key("p256", 622))


@pytest.mark.parametrize("number", [11, 12, 13])
def test_an_rsa_signature_without_null(number: int) -> None:
    bare = encode(0x30, encode(0x06, RSA + bytes([number])))
    odd = remade(BY_RSA, SIGNER.key, lambda fields: setattr(fields, "algorithm", bare))
    assert _codes(odd, roots=[SIGNER]) == (True, {"profile_gap"})
    assert openssl_takes(odd.pem, [], [SIGNER.pem], "pos-srv") == ""
    forged = remade(BY_RSA, key("rsa", 699), lambda fields: setattr(fields, "algorithm", bare))
    assert _codes(forged, roots=[SIGNER])[1] >= {"bad_signature"}
    # OpenSSL refuses it where the two differ by the NULL.
    for inside, outside in ((bare, bare + NULL), (bare + NULL, bare)):
        fixed = [
            encode(0x30, encode(0x06, RSA + bytes([number])), NULL) if NULL in one[-2:] else one for one in (inside, outside)
        ]
        mixed = remade(BY_RSA, SIGNER.key, lambda fields, two=fixed: fields.__dict__.update(algorithm=two[0], outer=two[1]))
        assert not _codes(mixed, roots=[SIGNER])[0]


def _pss(hash_null: bytes, mask_null: bytes, salt: int = 32, more: bytes = b"") -> bytes:
    sha256 = oid("2.16.840.1.101.3.4.2.1")
    mask = encode(0x30, encode(0x06, RSA + b"\x08"), encode(0x30, sha256, mask_null))
    parts = (encode(0xA0, encode(0x30, sha256, hash_null)), encode(0xA1, mask), encode(0xA2, b"\x02\x01" + bytes([salt])), more)
    return encode(0x30, encode(0x06, RSA + b"\x0a"), encode(0x30, *parts))


@pytest.mark.parametrize(("hash_null", "mask_null"), [(b"", b""), (NULL, b""), (b"", NULL), (NULL, NULL)])
def test_a_pss_signature_with_and_without_null(hash_null: bytes, mask_null: bytes) -> None:
    form = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    odd = remade(
        BY_RSA,
        SIGNER.key,
        lambda fields: setattr(fields, "algorithm", _pss(hash_null, mask_null)),
        (form, hashes.SHA256()),
    )
    assert _codes(odd, roots=[SIGNER])[0]
    torn = Odd(odd.der[:-1] + bytes([odd.der[-1] ^ 1]), None)
    assert _codes(torn, roots=[SIGNER])[1] >= {"bad_signature"}


def test_pss_of_another_salt_is_what_the_library_says_also_beside_a_flaw() -> None:
    form = padding.PSS(padding.MGF1(hashes.SHA256()), 24)
    odd = remade(BY_RSA, SIGNER.key, lambda fields: setattr(fields, "algorithm", _pss(b"", b"", 24)), (form, hashes.SHA256()))
    assert _codes(odd, roots=[SIGNER])[1] >= {"weak_signature"}


INHIBIT, CONSTRAINTS, MAPPINGS, POLICIES = "2.5.29.54", "2.5.29.36", "2.5.29.33", "2.5.29.32"
TRUE = b"\x01\x01\xff"
A, B, ANY = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2", "2.5.29.32.0"
EXPLICIT_NOW = (CONSTRAINTS, encode(0x30, b"\x80\x01\x00"))


def _policies(*names: str) -> tuple[str, bytes]:
    return POLICIES, encode(0x30, *[encode(0x30, oid(name)) for name in names])


def _mapping(theirs: str, ours: str) -> tuple[str, bytes]:
    return MAPPINGS, encode(0x30, encode(0x30, oid(theirs), oid(ours)))


@pytest.mark.parametrize(
    ("upper", "lower", "leaf", "suitable"),
    [
        ([(INHIBIT, b"\x02\x01\x00")], [], [], True),
        ([_mapping(A, B)], [], [], True),
        ([(CONSTRAINTS, encode(0x30, b"\x81\x01\x00"))], [], [], True),
        ([EXPLICIT_NOW], [], [], False),
        ([EXPLICIT_NOW, _policies(A)], [_policies(A)], [_policies(A)], True),
        ([EXPLICIT_NOW, _policies(A)], [_policies(A)], [_policies(B)], False),
        ([EXPLICIT_NOW, _policies(A)], [], [_policies(A)], False),
        ([EXPLICIT_NOW, _policies(ANY)], [_policies(ANY)], [_policies(B)], True),
        ([EXPLICIT_NOW, _policies(A), (INHIBIT, b"\x02\x01\x00")], [_policies(ANY)], [_policies(A)], False),
        ([EXPLICIT_NOW, _policies(A), (INHIBIT, b"\x02\x01\x01")], [_policies(ANY)], [_policies(A)], True),
        ([EXPLICIT_NOW, _policies(A), _mapping(A, B)], [_policies(B)], [_policies(B)], True),
        ([EXPLICIT_NOW, _policies(A), _mapping(A, B)], [_policies(A)], [_policies(A)], False),
        ([(CONSTRAINTS, encode(0x30, b"\x80\x01\x00", b"\x81\x01\x00")), _policies(A)],
         [_policies(A), _mapping(A, B)], [_policies(B)], False),
        ([(CONSTRAINTS, encode(0x30, b"\x80\x01\x05"))], [], [], True),
        ([(CONSTRAINTS, encode(0x30, b"\x80\x01\x02"))], [], [], False),
    ],
)  # fmt: skip
def test_critical_policies_are_recognized_and_judged(upper: Any, lower: Any, leaf: Any, suitable: bool) -> None:
    def putting(parts: Any) -> Any:
        return lambda fields: [fields.put(kind, value, TRUE if kind != POLICIES else b"") for kind, value in parts]

    bottom = ca("Path Odd Lower", MIDDLE, own=key("p256", 627))
    chain = [remade(bottom, MIDDLE.key, putting(lower)), remade(MIDDLE, ROOT.key, putting(upper))]
    made = remade(server(bottom), bottom.key, putting(leaf))
    result, found = _codes(made, *chain, roots=[ROOT])
    assert (result, "unknown_critical_extension" in found) == (suitable, not suitable)


@pytest.mark.parametrize(("kind", "value"), [(MAPPINGS, b"\x30\x02\x05\x00"), (INHIBIT, b"\x04\x00"), (CONSTRAINTS, b"\x99")])
def test_critical_policies_that_cannot_be_read_are_refused(kind: str, value: bytes) -> None:
    middle = remade(MIDDLE, ROOT.key, lambda fields: fields.put(kind, value, TRUE))
    suitable, found = _codes(LEAF, middle, roots=[ROOT])
    assert not suitable
    assert found & {"unknown_critical_extension", "malformed_input"}


class OddSite(Site):
    """A site of which every certificate below the root is one that the library refuses, but for the planted defect."""

    def _odd(self, issued: Issued, by: Issued) -> Issued:
        return remade(issued, by.key, self._flaw)  # type: ignore[return-value]

    def _flaw(self, fields: Fields) -> None:
        _negative(fields)
        fields.extensions = [*(fields.extensions or []), extension("1.3.6.1.4.1.99999.8", b"\x05\x00", FALSE)]

    def leaf(self, *names: str, **parts: Any) -> Issued:
        made = super().leaf(*names, **parts)
        return self._odd(made, Issued(made.cert, parts["signer"]) if "signer" in parts else self.line[-1])

    def case(self, leaf: Any, **more: Any) -> Case:
        line = more.pop("line", None) or self.line
        odd = [line[0], *(self._odd(one, by) for by, one in pairwise(line))]
        more.setdefault("chain", list(reversed(odd[1:])))
        return super().case(leaf, line=odd, **more)


ON_ODD = [
    "untrusted_root", "not_yet_valid", "expired", "expired_in_window", "chain_expires_in_window", "name_mismatch", "no_san",
    "ip_not_in_san", "ip_in_dns_san", "wildcard_scope", "host_not_checkable", "eku_no_server_auth", "eku_chain", "key_usage",
    "weak_key", "key_type", "ca_as_leaf", "not_a_ca", "path_length", "name_constraints", "unknown_critical_extension",
]  # fmt: skip


@pytest.mark.parametrize("code", ON_ODD)
def test_a_defect_of_odd_certificates_is_named_as_that_of_others(code: str) -> None:
    for seed in range(10):
        case = PLANTERS[code](OddSite(random.Random(f"odd {code} {seed}")))
        result = verdict(case.given, case.host, times=case.times)
        assert code in {finding.code.value for finding in result.findings}, (seed, result.findings)
        assert RULES[Code(code)].severity is Severity.ERROR
        assert not result.suitable


def test_an_odd_site_without_a_defect_is_suitable() -> None:
    for seed in range(20):
        site = OddSite(random.Random(f"odd healthy {seed}"))
        case = site.case(site.leaf())
        assert verdict(case.given, case.host, times=case.times).suitable


def test_signatures_that_the_library_does_not_take_are_not_taken_for_odd_ones_either() -> None:
    sha224 = encode(0x30, encode(0x06, RSA + b"\x0e"), NULL)
    change = {"algorithm": sha224, "serial": b"\x02\x01\x80"}
    form = (padding.PKCS1v15(), hashes.SHA224())
    weak = remade(BY_RSA, SIGNER.key, lambda fields: fields.__dict__.update(change), form)
    assert _codes(weak, roots=[SIGNER])[1] >= {"weak_signature"}


def test_a_limit_above_an_odd_certificate_holds() -> None:
    limits = x509.NameConstraints([x509.DNSName("club.lan")], None)
    limited = ca("Odd Limited", ROOT, own=key("p256", 628), limits=limits)
    for host, suitable in (("pos.club.lan", True), ("pos.other.lan", False)):
        odd = remade(server(limited, host), limited.key, _negative)
        assert verdict(files(odd.pem, limited, roots=[ROOT]), host).suitable is suitable


def test_a_pinned_odd_certificate_is_checked_as_others() -> None:
    pinned = server(None, own=key("p256", 629), basic=NOTHING)
    odd = remade(pinned, pinned.key, _negative)
    suitable, found = _codes(odd, roots=[odd])
    assert suitable
    assert "self_signed_pinned" in found
    assert "bad_signature" in _codes(torn := Odd(odd.der[:-1] + b"\x00", None), roots=[torn])[1]


@pytest.mark.parametrize("bits", [17_000, 60_000])
def test_an_enormous_key_is_named_and_takes_no_time(bits: int) -> None:
    number = b"\x00" + (1 << bits - 1 | 1).to_bytes(bits // 8)
    held = encode(0x30, encode(0x02, number), encode(0x02, b"\x01\x00\x01"))
    big = encode(0x30, encode(0x30, encode(0x06, RSA + b"\x01"), NULL), encode(0x03, b"\x00", held))
    leaf = remade(LEAF, MIDDLE.key, lambda fields: setattr(fields, "key", big))
    assert "key_type" in _codes(leaf, MIDDLE, roots=[ROOT])[1]
    middle = remade(MIDDLE, ROOT.key, lambda fields: setattr(fields, "key", big))
    signed = remade(BY_RSA, SIGNER.key, lambda fields: setattr(fields, "issuer", _subject_of(middle)))
    suitable, found = _codes(signed, middle, roots=[ROOT])
    assert not suitable
    assert "bad_signature" not in found  # Nobody could look at it.


def _subject_of(odd: Odd) -> bytes:
    return children(children(children(odd.der)[0].content)[0].content)[5].whole


def _unused_bits_refused(leaf: Any, middle: Any) -> bool:
    """The number of unused bits in front of the signature says 1, which fits where the signature is even."""
    place = -1 - len(children(children(leaf.der)[0].content)[2].content[1:])
    even = Odd(leaf.der[:place] + b"\x01" + leaf.der[place + 1 : -1] + bytes([leaf.der[-1] & 0xFE]), None)
    return not _codes(even, middle, roots=[ROOT])[0]


def test_unused_bits_of_a_signature_are_refused() -> None:
    """OpenSSL refuses them; the library reads over them where they are 0."""
    for number in range(8):
        leaf = server(MIDDLE, own=key("p256", 630 + number))
        assert _unused_bits_refused(leaf, MIDDLE)
        assert _unused_bits_refused(remade(leaf, MIDDLE.key, _negative), MIDDLE)


def test_no_byte_of_an_odd_certificate_can_be_changed() -> None:
    """All of it is signed, or is the signature: the second pass must not read over a change of what was signed."""
    odd = entry("2.5.4.10", 0x13, b"Pier & S\xf6hne")
    middle = remade(MIDDLE, ROOT.key, _named(odd, subject=True))
    leaf = remade(LEAF, MIDDLE.key, lambda fields: (_named(odd, issuer=True)(fields), _negative(fields)))
    assert _codes(leaf, middle, roots=[ROOT])[0]
    for place in range(4, len(leaf.der)):
        for change in (0x01, 0x80):
            torn = Odd(leaf.der[:place] + bytes([leaf.der[place] ^ change]) + leaf.der[place + 1 :], None)
            assert not _codes(torn, middle, roots=[ROOT])[0], place
