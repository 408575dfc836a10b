"""Extensions in a form that the library reads. RFC 5280 4.2."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet.preflight.certificate.tolerant.asn1 import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Element,
    Malformed,
    children,
    context,
    encode,
    only,
)
from fleet.preflight.certificate.tolerant.names import DIRECTORY, mend_general_names, mend_name
from fleet.preflight.certificate.tolerant.tolerances import Tolerance

_TRUE = encode(BOOLEAN, b"\xff")
_MINIMUM = context(0, constructed=False)


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension."""

    kind: bytes  # the contents of its OID
    critical: bool
    value: bytes  # what is in its OCTET STRING

    @property
    def whole(self) -> bytes:
        critical = _TRUE if self.critical else b""
        return encode(SEQUENCE, encode(OID, self.kind), critical, encode(OCTET_STRING, self.value))


def _standard(number: int) -> bytes:
    """The OID 2.5.29.number."""
    return bytes([0x55, 0x1D, number])


SUBJECT_NAMES = _standard(17)
POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY = _standard(33), _standard(36), _standard(54)
BASIC_CONSTRAINTS, KEY_USAGE = _standard(19), _standard(15)
_LIMITS, _POLICIES, _AUTHORITY_KEY, _SUBJECT_KEY, _EXTENDED_USAGE = (_standard(number) for number in (30, 32, 35, 14, 37))
# Extensions that a client decides by. One of these that cannot be decoded is never ignored, critical or not.
DECISIVE = frozenset(
    (
        SUBJECT_NAMES, BASIC_CONSTRAINTS, KEY_USAGE, _LIMITS, _AUTHORITY_KEY, _SUBJECT_KEY, _EXTENDED_USAGE, POLICY_CONSTRAINTS,
        POLICY_MAPPINGS, INHIBIT_ANY_POLICY,
    )
)  # fmt: skip


def read_extension(element: Element, used: set[Tolerance]) -> Extension:
    """One extension as it stands in the certificate."""
    parts = children(element.content)
    kinds = [part.tag for part in parts]
    if element.tag != SEQUENCE or kinds not in ([OID, OCTET_STRING], [OID, BOOLEAN, OCTET_STRING]):
        raise Malformed("an extension is no kind and value")
    critical = _flag(parts[1], used) if len(parts) == 3 else False
    return Extension(parts[0].content, critical, parts[-1].content)


def mend_extension(extension: Extension, used: set[Tolerance]) -> Extension:
    """The extension as the library reads it; unchanged where no tolerance applies."""
    mend = _MENDED.get(extension.kind)
    own: set[Tolerance] = set()
    try:
        value = mend(extension.value, own) if mend else extension.value
    except ValueError:  # Malformed: the library will refuse it with its own message.
        return extension
    used |= own
    return replace(extension, value=value)


def _flag(element: Element, used: set[Tolerance]) -> bool:
    """A BOOLEAN DEFAULT FALSE that is present."""
    if len(element.content) != 1:
        raise Malformed("a BOOLEAN is one byte")
    if element.content == b"\x00":
        used.add(Tolerance.EXPLICIT_DEFAULT)
        return False
    if element.content != b"\xff":
        used.add(Tolerance.BOOLEAN)
    return True


def _basic(value: bytes, used: set[Tolerance]) -> bytes:
    parts = children(only(value, SEQUENCE).content)
    is_ca = _flag(parts.pop(0), used) if parts and parts[0].tag == BOOLEAN else False
    if len(parts) > 1 or any(part.tag != INTEGER for part in parts):
        raise Malformed("basic constraints are a flag and a number")
    if parts and not is_ca:
        if not parts[0].content or parts[0].content[0] >= 0x80:
            raise Malformed("a path's length is negative")
        used.add(Tolerance.PATH_LENGTH_OF_NO_CA)
        parts = []
    return encode(SEQUENCE, _TRUE if is_ca else b"", *[part.whole for part in parts])


def _key_usage(value: bytes, used: set[Tolerance]) -> bytes:
    bits = only(value, BIT_STRING).content
    unused = bits[0] if bits else 8
    if unused > 7 or len(bits) < 2:
        return value
    kept = bits[-1] >> unused << unused
    if kept != bits[-1]:
        used.add(Tolerance.UNUSED_BITS)
    return encode(BIT_STRING, bits[:-1], bytes([kept]))


def _names(value: bytes, used: set[Tolerance]) -> bytes:
    return encode(SEQUENCE, mend_general_names(only(value, SEQUENCE).content, used))


def _limits(value: bytes, used: set[Tolerance]) -> bytes:
    """Name constraints: corrects only the texts of directory names, and a minimum of 0, which is the default."""
    lists = []
    for subtrees in children(only(value, SEQUENCE).content):
        held = [_subtree(subtree, used) for subtree in children(subtrees.content)]
        lists.append(encode(subtrees.tag, *held))
    return encode(SEQUENCE, *lists)


def _subtree(subtree: Element, used: set[Tolerance]) -> bytes:
    if subtree.tag != SEQUENCE:
        raise Malformed("a limit is no sequence")
    base, *rest = children(subtree.content)
    if rest and rest[0].tag == _MINIMUM and rest[0].content == b"\x00":
        used.add(Tolerance.EXPLICIT_DEFAULT)
        rest.pop(0)
    whole = base.whole
    if base.tag == context(DIRECTORY):
        whole = encode(base.tag, mend_name(only(base.content, SEQUENCE), used))
    return encode(SEQUENCE, whole, *[part.whole for part in rest])


def without_qualifiers(extension: Extension) -> Extension:
    """Certificate policies without the parts that are for people only; every other extension unchanged."""
    if extension.kind != _POLICIES:
        return extension
    try:
        bare = [_bare_policy(policy) for policy in children(only(extension.value, SEQUENCE).content)]
    except ValueError:
        return extension
    return replace(extension, value=encode(SEQUENCE, *bare))


def _bare_policy(policy: Element) -> bytes:
    kind, *rest = children(policy.content)
    if policy.tag != SEQUENCE or kind.tag != OID or len(rest) > 1:
        raise Malformed("a policy is no kind and qualifiers")
    return encode(SEQUENCE, kind.whole)


def _authority_key(value: bytes, used: set[Tolerance]) -> bytes:
    """The issuer's names are corrected. Where none is left, the serial number has no meaning and is removed too."""
    issuer, serial = context(1), context(2, constructed=False)
    parts = {part.tag: part.whole for part in children(only(value, SEQUENCE).content)}
    if issuer in parts:
        names = mend_general_names(only(parts[issuer], issuer).content, used)
        parts[issuer] = encode(issuer, names)
        if not names:
            parts.pop(issuer)
            parts.pop(serial, None)
    return encode(SEQUENCE, *parts.values())


_MENDED: dict[bytes, Callable[[bytes, set[Tolerance]], bytes]] = {
    BASIC_CONSTRAINTS: _basic,
    KEY_USAGE: _key_usage,
    SUBJECT_NAMES: _names,
    _LIMITS: _limits,
    _AUTHORITY_KEY: _authority_key,
}
