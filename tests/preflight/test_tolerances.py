"""The second pass, tolerance by tolerance: what clients on Windows read is read, with a warning; its brothers that decide
something, or of which nobody knows, stay refused. Each that is accepted is refused with a broken signature."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from fleet.preflight.certificate.findings import Verdict
from fleet.preflight.certificate.tolerant.asn1 import children, encode
from fleet.preflight.certificate.tolerant.tolerances import Tolerance
from tests.preflight.odd import Fields, Odd, entry, extension, oid, remade, with_entry
from tests.preflight.openssl import openssl_takes
from tests.preflight.pki import Issued, ca, codes, files, key, server, verdict

ROOT = ca("Odd Root", own=key("p256", 600))
MIDDLE = ca("Odd CA", ROOT, own=key("p256", 601))
LEAF = server(MIDDLE, own=key("p256", 602))
TRUE, FALSE, TRUE_BY_BER = b"\x01\x01\xff", b"\x01\x01\x00", b"\x01\x01\x01"
NAMES, ISSUER_NAMES, BASIC, USAGE, EXTENDED = "2.5.29.17", "2.5.29.18", "2.5.29.19", "2.5.29.15", "2.5.29.37"
POLICIES, LISTS, AUTHORITY, CRL_POINTS = "2.5.29.32", "1.3.6.1.4.1.11129.2.4.2", "2.5.29.35", "2.5.29.31"
TLS_FEATURE, ACCESS, UNKNOWN = "1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.1.1", "1.3.6.1.4.1.99999.7"
COMMON, UNIT, POSTAL = "2.5.4.3", "2.5.4.11", "2.5.4.16"
EDI = encode(0xA5, encode(0xA1, encode(0x0C, b"Pier")))
X400 = encode(0xA3, encode(0x30))
OTHER = encode(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), encode(0xA0, encode(0x0C, b"till@club.lan")))
REGISTERED = encode(0x88, b"\x2a\x03\x04")
DNS = encode(0x82, b"pos-srv")

Change = Callable[[Fields], object]


def _setting(**parts: bytes) -> Change:
    return lambda fields: fields.__dict__.update(parts)


def _putting(kind: str, value: bytes, critical: bytes = b"") -> Change:
    return lambda fields: fields.put(kind, value, critical)


def _subject(part: bytes) -> Change:
    return lambda fields: setattr(fields, "subject", with_entry(fields.subject, part))


def _more_names(*more: bytes) -> Change:
    return lambda fields: fields.put(NAMES, encode(0x30, DNS, *more))


def _times(*moments: tuple[int, str]) -> Change:
    return _setting(validity=encode(0x30, *[encode(tag, text.encode()) for tag, text in moments]))


def _directory(part: bytes) -> bytes:
    return encode(0xA4, encode(0x30, part))


def _notice(tag: int, text: bytes) -> Change:
    qualifier = encode(0x30, oid("1.3.6.1.5.5.7.2.2"), encode(0x30, encode(tag, text)))
    return _putting(POLICIES, encode(0x30, encode(0x30, oid("1.3.6.1.4.1.99999.1"), encode(0x30, qualifier))))


def _written_out(fields: Fields) -> None:
    fields.put(EXTENDED, fields.take(EXTENDED), FALSE)


def _by_ber(kind: str) -> Change:
    return lambda fields: fields.put(kind, fields.take(kind), TRUE_BY_BER)


def _unsorted(fields: Fields) -> None:
    parts = [encode(0x30, oid(COMMON), encode(0x0C, b"pos-srv")), encode(0x30, oid(UNIT), encode(0x0C, b"T"))]
    fields.subject = encode(0x30, encode(0x31, *sorted(parts, reverse=True)))


_TAKEN_TEXTS = {
    **{f"{letter} in PrintableString": (0x13, b"T" + letter.encode()) for letter in "*&@_;"},
    "TeletexString": (0x14, b"Caf\xe9"),
    "IA5String": (0x16, b"Caf\xe9"),
}
_REFUSED_TEXTS = {
    "GraphicString": (0x19, b"Caf\xe9"),
    "VideotexString": (0x15, b"Caf\xe9"),
    "UTF8String that is none": (0x0C, b"\xff\xfe"),
    "VisibleString": (0x1A, b"Caf\xe9"),
    "GeneralString": (0x1B, b"Caf\xe9"),
    "UniversalString of odd length": (0x1C, b"\x00\x00\x00"),
    "BMPString of odd length": (0x1E, b"\x00T\x00"),
    "BMPString with half a pair": (0x1E, b"\xd8\x00\x00T"),
    "a number": (0x02, b"\x07"),
}
_NOTICES = {
    "VisibleString": (0x1A, b"Caf\xe9"),
    "IA5String": (0x16, b"Caf\xe9"),
    "UTF8String": (0x0C, b"\xff"),
    "BMPString": (0x1E, b"\x00T\x00"),
    "TeletexString": (0x14, b"Caf\xe9"),
    "long": (0x0C, b"\xff" * 300),
}
_POSTAL = encode(0x31, encode(0x30, oid(POSTAL), encode(0x30, encode(0x0C, b"x"))))
_PLACE = encode(0x30, encode(0x30, encode(0xA0, encode(0xA0, X400))))
_SERIAL = encode(0x82, MIDDLE.cert.serial_number.to_bytes(21).lstrip(b"\x00"))
_WITH_NULL = encode(0x30, oid("1.2.840.10045.4.3.2"), b"\x05\x00")
# tolerance: what the leaf is like.
TAKEN: dict[tuple[Tolerance, str], Change] = {
    **{(Tolerance.TEXT, kind): _subject(entry(UNIT, tag, text)) for kind, (tag, text) in _TAKEN_TEXTS.items()},
    (Tolerance.TEXT, "a postal address"): _subject(_POSTAL),
    (Tolerance.TEXT, "& in a directory name"): _more_names(_directory(entry(UNIT, 0x13, b"A&B"))),
    (Tolerance.TEXT, "Latin-1 in a DNS name"): _more_names(encode(0x82, b"caf\xe9.lan")),
    (Tolerance.TEXT, "Latin-1 in a mail address"): _more_names(encode(0x81, b"caf\xe9@club.lan")),
    (Tolerance.EXPLICIT_DEFAULT, "critical FALSE"): _written_out,
    (Tolerance.EXPLICIT_DEFAULT, "cA FALSE"): _putting(BASIC, encode(0x30, FALSE), TRUE),
    (Tolerance.BOOLEAN, "critical 01"): _by_ber(USAGE),
    (Tolerance.PATH_LENGTH_OF_NO_CA, "0"): _putting(BASIC, encode(0x30, b"\x02\x01\x00"), TRUE),
    (Tolerance.SERIAL, "negative"): _setting(serial=b"\x02\x02\x80\x01"),
    (Tolerance.SERIAL, "zero"): _setting(serial=b"\x02\x01\x00"),
    (Tolerance.TIME_FORM, "both"): _times((0x18, "20260101000000Z"), (0x18, "20271201000000Z")),
    (Tolerance.TIME_FORM, "the end"): _times((0x17, "260101000000Z"), (0x18, "20491231235959Z")),
    (Tolerance.ALGORITHM_PARAMETERS, "ECDSA with NULL"): _setting(algorithm=_WITH_NULL),
    (Tolerance.KIND_OF_NAME, "ediPartyName"): _more_names(EDI),
    (Tolerance.KIND_OF_NAME, "x400Address"): _more_names(X400, OTHER, REGISTERED),
    (Tolerance.KIND_OF_NAME, "ediPartyName of the issuer's key"): lambda fields: fields.put(
        AUTHORITY, encode(0x30, children(fields.take(AUTHORITY))[0].content, encode(0xA1, EDI), _SERIAL)
    ),
    **{(Tolerance.POLICY_QUALIFIER, kind): _notice(tag, text) for kind, (tag, text) in _NOTICES.items()},
    (Tolerance.UNUSED_BITS, "key usage"): _putting(USAGE, b"\x03\x02\x05\xa1", TRUE),
    (Tolerance.SET_ORDER, "subject"): _unsorted,
    (Tolerance.PASSED_OVER, "an unknown TLS feature"): _putting(TLS_FEATURE, encode(0x30, b"\x02\x01\x63")),
    (Tolerance.PASSED_OVER, "torn timestamps"): _putting(LISTS, encode(0x04, b"\x00\x99\x01")),
    (Tolerance.PASSED_OVER, "ediPartyName of the issuer"): _putting(ISSUER_NAMES, encode(0x30, EDI)),
    (Tolerance.PASSED_OVER, "x400Address of the issuer"): _putting(ISSUER_NAMES, encode(0x30, X400)),
    (Tolerance.PASSED_OVER, "ediPartyName of an access point"): _putting(
        ACCESS, encode(0x30, encode(0x30, oid("1.3.6.1.5.5.7.48.2"), EDI))
    ),
    (Tolerance.PASSED_OVER, "x400Address of a list's place"): _putting(CRL_POINTS, _PLACE),
    (Tolerance.PASSED_OVER, "garbage"): _putting(ACCESS, b"\x99"),
}  # fmt: skip


def _seen(leaf: Odd | Issued, *chain: Odd | Issued, roots: tuple[Odd | Issued, ...] = (ROOT,)) -> Verdict:
    return verdict(files(leaf.pem, *[one.pem for one in chain], roots=[one.pem for one in roots]), "pos-srv")


def _broken(odd: Odd) -> Odd:
    return Odd(odd.der[:-1] + bytes([odd.der[-1] ^ 1]), odd.key)


@pytest.mark.parametrize(("tolerance", "what"), TAKEN, ids=[f"{one.name} {what}" for one, what in TAKEN])
def test_what_decides_nothing_is_a_warning(tolerance: Tolerance, what: str) -> None:
    odd = remade(LEAF, MIDDLE.key, TAKEN[tolerance, what])
    result = _seen(odd, MIDDLE)
    assert result.suitable, result.findings
    assert codes(result) <= {"profile_gap", "cn_not_in_san"}
    assert any(tolerance.value in finding.message for finding in result.findings)
    assert codes(_seen(_broken(odd), MIDDLE)) >= {"bad_signature"}
    assert not _seen(remade(LEAF, key("p256", 699), TAKEN[tolerance, what]), MIDDLE).suitable


def test_every_tolerance_is_shown_and_documented() -> None:
    assert {tolerance for tolerance, _ in TAKEN} == set(Tolerance)
    page = (Path(__file__).resolve().parents[2] / "docs" / "preflight.md").read_text(encoding="utf-8")
    for tolerance in Tolerance:
        assert f"| `{tolerance.name}` | {tolerance.value} |" in page


@pytest.mark.parametrize(("tolerance", "what"), TAKEN, ids=[f"{one.name} {what}" for one, what in TAKEN])
def test_openssl_takes_the_same(tolerance: Tolerance, what: str) -> None:
    odd = remade(LEAF, MIDDLE.key, TAKEN[tolerance, what])
    assert openssl_takes(odd.pem, [MIDDLE.pem], [ROOT.pem], "pos-srv") == ""


REFUSED: dict[str, tuple[Change, str]] = {
    "an unknown extension, critical 01": (_putting(UNKNOWN, b"\x05\x00", TRUE_BY_BER), "unknown_critical_extension"),
    "an unknown TLS feature, critical": (_putting(TLS_FEATURE, encode(0x30, b"\x02\x01\x63"), TRUE), "malformed_input"),
    "alternative names cut short": (_putting(NAMES, b"\x30\x20\x82\x02"), "malformed_input"),
    "an address of five bytes": (_more_names(encode(0x87, bytes(5))), "malformed_input"),
    "an otherName without a value": (_more_names(encode(0xA0, oid("1.2.3"))), "malformed_input"),
    "no name but an ediPartyName": (_putting(NAMES, encode(0x30, EDI)), "no_san"),
    "no extended key usage in the list": (_putting(EXTENDED, encode(0x30)), "malformed_input"),
    "a key usage without a bit": (_putting(USAGE, b"\x03\x01\x00", TRUE), "key_usage"),
    "a key usage of no bytes": (_putting(USAGE, b"\x03\x00", TRUE), "malformed_input"),
    "a serial number of 22 bytes": (_setting(serial=encode(0x02, b"\x01" * 22)), "malformed_input"),
    "a serial number of no bytes": (_setting(serial=b"\x02\x00"), "malformed_input"),
    "a date without seconds": (_times((0x17, "2601010000Z"), (0x17, "271201000000Z")), "malformed_input"),
    "a date with an offset": (_times((0x17, "260101000000+0000"), (0x17, "271201000000Z")), "malformed_input"),
    "a fraction of a second": (_times((0x18, "20260101000000.5Z"), (0x17, "271201000000Z")), "malformed_input"),
    "no zone": (_times((0x18, "20260101000000"), (0x17, "271201000000Z")), "malformed_input"),
    "over, in the other form": (_times((0x18, "20250101000000Z"), (0x18, "20260101000000Z")), "expired"),
    "a negative path length": (_putting(BASIC, encode(0x30, b"\x02\x01\xff"), TRUE), "malformed_input"),
    "a CA by 01": (_putting(BASIC, encode(0x30, TRUE_BY_BER), TRUE), "ca_as_leaf"),
    "the algorithm outside with NULL": (
        lambda fields: setattr(fields, "outer", _WITH_NULL),
        "malformed_input",
    ),
    **{kind: (_subject(entry(UNIT, tag, text)), "malformed_input") for kind, (tag, text) in _REFUSED_TEXTS.items()},
    "the same extension twice, one unreadable": (
        lambda fields: fields.extensions.extend([extension(ACCESS, b"\x99"), extension(ACCESS, b"\x99")]),  # type: ignore[union-attr]
        "duplicate_extension",
    ),
    "the same extension twice, beside odd text": (
        lambda fields: (_subject(entry(UNIT, 0x13, b"A&B"))(fields), fields.extensions.append(fields.extensions[0])),  # type: ignore[union-attr,index]
        "duplicate_extension",
    ),
    "version 1 with extensions": (_setting(version=b""), "malformed_input"),
    "version 2": (_setting(version=bytes.fromhex("a003020101")), "malformed_input"),
    "limits on names of a kind that was passed over": (
        lambda fields: (_more_names(EDI)(fields), fields.put("2.5.29.30", encode(0x30, encode(0xA0, encode(0x30, EDI))))),
        "malformed_input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_decides_something_or_is_unsure_stays_refused(what: str) -> None:
    change, code = REFUSED[what]
    result = _seen(remade(LEAF, MIDDLE.key, change), MIDDLE)
    assert not result.suitable
    assert code in codes(result), result.findings


@pytest.mark.parametrize("place", ["after", "length", "open"])
def test_a_certificate_in_ber_stays_refused(place: str) -> None:
    """Nobody here knows which Windows reads it."""
    der, inside = LEAF.der, children(LEAF.der)[0].content
    made = {
        "after": der + b"\x00",
        "length": b"\x30\x83\x00" + len(inside).to_bytes(2) + inside,
        "open": b"\x30\x80" + inside + b"\x00\x00",
    }[place]
    assert "malformed_input" in codes(_seen(Odd(made, None), MIDDLE))


def test_names_of_an_odd_certificate_are_still_compared() -> None:
    odd = remade(LEAF, MIDDLE.key, TAKEN[Tolerance.TEXT, "Latin-1 in a DNS name"])
    for host in ("caf?.lan", "caf.lan", "café.lan", "other"):
        assert not verdict(files(odd.pem, MIDDLE, roots=[ROOT]), host).suitable
    assert verdict(files(odd.pem, MIDDLE, roots=[ROOT]), "pos-srv", profile="strict").suitable is False


def test_an_odd_name_is_under_its_cas_limits() -> None:
    permitted = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Pier & Sons")]))
    limited = ca("Limited", ROOT, own=key("p256", 603), limits=x509.NameConstraints([permitted], None))
    leaf = server(limited, own=key("p256", 602))
    for text, suitable in ((b"Pier & Sons", True), (b"Pier & Daughters", False)):
        odd = remade(leaf, limited.key, _subject(entry("2.5.4.10", 0x13, text)))
        assert _seen(odd, limited).suitable is suitable
