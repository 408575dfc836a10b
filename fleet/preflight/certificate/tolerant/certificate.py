"""A certificate that the strict library refuses, taken apart and put together so that the library reads it."""

from collections import Counter
from dataclasses import dataclass, replace

from cryptography import x509

from fleet.preflight.certificate.tolerant.algorithms import mend_algorithm
from fleet.preflight.certificate.tolerant.asn1 import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    SEQUENCE,
    UTC_TIME,
    Element,
    Malformed,
    children,
    context,
    dotted,
    encode,
    only,
)
from fleet.preflight.certificate.tolerant.extensions import (
    DECISIVE,
    Extension,
    mend_extension,
    read_extension,
    without_qualifiers,
)
from fleet.preflight.certificate.tolerant.library import Refused, ask
from fleet.preflight.certificate.tolerant.names import mend_name
from fleet.preflight.certificate.tolerant.tolerances import Tolerance

_VERSION, _EXTENSIONS = context(0), context(3)
_VERSION_1 = encode(_VERSION, encode(INTEGER, b"\x00"))
# RFC 5280 4.1.2.5: up to 2049 a date is a UTCTime, whose two digits of the year begin with 1950.
_UTC_YEARS = range(1950, 2050)
_LONGEST = 256 * 1024  # Real ones have some thousand bytes.


@dataclass(frozen=True, slots=True)
class Parts:
    """A certificate's fields as DER, RFC 5280 4.1."""

    version: bytes  # empty for version 1
    serial: bytes
    algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    key: bytes
    rest: bytes  # the two unique identifiers
    extensions: tuple[Extension, ...]
    signature: bytes

    @property
    def body(self) -> bytes:
        """The TBSCertificate."""
        held = encode(_EXTENSIONS, encode(SEQUENCE, *[one.whole for one in self.extensions])) if self.extensions else b""
        fields = (self.version, self.serial, self.algorithm, self.issuer, self.validity, self.subject, self.key, self.rest)
        return encode(SEQUENCE, *fields, held)

    @property
    def whole(self) -> bytes:
        return encode(SEQUENCE, self.body, self.algorithm, self.signature)


@dataclass(frozen=True, slots=True)
class Twin:
    """What the library reads in place of a certificate."""

    raw: x509.Certificate
    parts: Parts
    body: bytes  # the TBSCertificate as it was signed; the twin's own differs
    used: tuple[Tolerance, ...]  # every tolerance that was needed, in their order


def mend(der: bytes) -> Twin:
    """The twin of a certificate. Raises ValueError where no tolerance helps."""
    if len(der) > _LONGEST:
        raise Malformed("it is too large for a certificate")
    used: set[Tolerance] = set()
    body, algorithm, signature = children(only(der, SEQUENCE).content)
    if signature.tag != BIT_STRING or signature.content[:1] != b"\x00":
        raise Malformed("it has no signature of whole bytes")
    parts = _parts(body, algorithm, signature, used)
    parts = _without_undecodable(parts, used)
    raw = ask(lambda: x509.load_der_x509_certificate(parts.whole))
    ask(lambda: (raw.not_valid_before_utc, raw.not_valid_after_utc))
    order = tuple(tolerance for tolerance in Tolerance if tolerance in used)
    return Twin(raw, parts, body.whole, order)


def duplicated(der: bytes) -> str:
    """The OID, with dots, of an extension that a certificate has twice; empty where there is none."""
    try:
        body = children(only(der, SEQUENCE).content)[0]
        last = children(body.content)[-1]
        listed = children(only(last.content, SEQUENCE).content) if last.tag == _EXTENSIONS else []
        twice = _duplicates([children(one.content)[0].content for one in listed])
    except (ValueError, IndexError):
        return ""
    return dotted(twice[0]) if twice else ""


def _duplicates(kinds: list[bytes]) -> list[bytes]:
    return [kind for kind, count in Counter(kinds).items() if count > 1]


def _parts(body: Element, algorithm: Element, signature: Element, used: set[Tolerance]) -> Parts:
    if body.tag != SEQUENCE:
        raise Malformed("it has no body")
    fields = children(body.content)
    version = fields.pop(0).whole if fields and fields[0].tag == _VERSION else b""
    if version == _VERSION_1:
        used.add(Tolerance.EXPLICIT_DEFAULT)
        version = b""
    serial, inner, issuer, validity, subject, key, *rest = fields
    if inner.whole != algorithm.whole:
        raise Malformed("the algorithm of its signature is given twice, and differently")
    held = rest.pop() if rest and rest[-1].tag == _EXTENSIONS else None
    if held is not None and not version:
        raise Malformed("version 1 has no extensions")
    return Parts(
        version,
        _serial(serial, used),
        mend_algorithm(inner, used),
        mend_name(issuer, used),
        _validity(validity, used),
        mend_name(subject, used),
        key.whole,
        b"".join(part.whole for part in rest),
        _extensions(held, used) if held else (),
        signature.whole,
    )


def _serial(serial: Element, used: set[Tolerance]) -> bytes:
    if serial.tag != INTEGER or not serial.content:
        raise Malformed("its serial number is no number")
    number = int.from_bytes(serial.content, signed=True)
    if number > 0:
        return serial.whole
    used.add(Tolerance.SERIAL)
    # Nothing depends on it: revocation is not checked.
    return encode(INTEGER, b"\x01")


def _validity(validity: Element, used: set[Tolerance]) -> bytes:
    return encode(SEQUENCE, *[_time(moment, used) for moment in children(only(validity.whole, SEQUENCE).content)])


def _time(moment: Element, used: set[Tolerance]) -> bytes:
    text = moment.content
    plain = moment.tag == GENERALIZED_TIME and len(text) == 15 and text[:14].isdigit() and text.endswith(b"Z")
    if not plain or int(text[:4]) not in _UTC_YEARS:
        return moment.whole
    used.add(Tolerance.TIME_FORM)
    return encode(UTC_TIME, text[2:])


def _extensions(held: Element, used: set[Tolerance]) -> tuple[Extension, ...]:
    found = [read_extension(one, used) for one in children(only(held.content, SEQUENCE).content)]
    return tuple(mend_extension(extension, used) for extension in found)


def _without_undecodable(parts: Parts, used: set[Tolerance]) -> Parts:
    """Without extensions that cannot be decoded and decide nothing. Doubled extensions stay; they have their own finding."""
    if _duplicates([extension.kind for extension in parts.extensions]) or _is_decodable(parts, parts.extensions):
        return parts
    kept = [one for extension in parts.extensions if (one := _decodable(parts, extension, used)) is not None]
    return replace(parts, extensions=tuple(kept))


def _decodable(parts: Parts, extension: Extension, used: set[Tolerance]) -> Extension | None:
    """The extension, or the part of it that can be decoded; None for one that may be ignored."""
    if _is_decodable(parts, (extension,)):
        return extension
    bare = without_qualifiers(extension)
    if bare != extension and _is_decodable(parts, (bare,)):
        used.add(Tolerance.POLICY_QUALIFIER)
        return bare
    if extension.critical or extension.kind in DECISIVE:
        return extension
    used.add(Tolerance.PASSED_OVER)
    return None


def _is_decodable(parts: Parts, extensions: tuple[Extension, ...]) -> bool:
    carrier = replace(parts, extensions=extensions)
    try:
        ask(lambda: list(x509.load_der_x509_certificate(carrier.whole).extensions))
    except Refused:
        return False
    return True
