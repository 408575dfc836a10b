"""Names in a form that the library reads. They are for people and for name constraints. Two names are compared by their
bytes as they were signed."""

from collections.abc import Callable

from fleet.preflight.certificate.tolerant.asn1 import (
    OID,
    SEQUENCE,
    SET,
    UTF8_STRING,
    Element,
    Malformed,
    children,
    context,
    encode,
    only,
)
from fleet.preflight.certificate.tolerant.tolerances import Tolerance

_PRINTABLE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_NUMERIC = frozenset(b"0123456789 ")
# Kinds of GeneralName, RFC 5280 4.2.1.6. The library knows all but two.
MAIL, DNS, X400, DIRECTORY, EDI, URI = range(1, 7)
_ASCII_KINDS = tuple(context(kind, constructed=False) for kind in (MAIL, DNS, URI))


def _one_byte(content: bytes) -> str:
    """As .NET reads it: as UTF-8 where possible, otherwise as ISO 8859-1."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _wide(encoding: str) -> Callable[[bytes], str]:
    return lambda content: content.decode(encoding)


def _ascii(content: bytes) -> bool:
    return content.isascii()


def _fits(encoding: str) -> Callable[[bytes], bool]:
    def fits(content: bytes) -> bool:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            return False
        return True

    return fits


# By tag: how the text is read, whether it holds only what its kind may hold, and whether one that holds more is read.
# Where OpenSSL refuses it (invalid UTF-8 and UTF-16, kinds that names do not have), it stays refused.
_KINDS: dict[int, tuple[Callable[[bytes], str], Callable[[bytes], bool], bool]] = {
    0x0C: (_one_byte, _fits("utf-8"), False),  # UTF8String
    0x12: (_one_byte, _NUMERIC.issuperset, True),  # NumericString
    0x13: (_one_byte, _PRINTABLE.issuperset, True),  # PrintableString
    0x14: (_one_byte, _ascii, True),  # TeletexString
    0x15: (_one_byte, _ascii, False),  # VideotexString
    0x16: (_one_byte, _ascii, True),  # IA5String
    0x19: (_one_byte, _ascii, False),  # GraphicString
    0x1A: (_one_byte, _ascii, False),  # VisibleString
    0x1B: (_one_byte, _ascii, False),  # GeneralString
    0x1C: (_wide("utf-32-be"), _fits("utf-32-be"), False),  # UniversalString
    0x1E: (_wide("utf-16-be"), _fits("utf-16-be"), False),  # BMPString
}
_NO_TEXT = (_one_byte, lambda content: False, False)


def mend_name(name: Element, used: set[Tolerance]) -> bytes:
    """A Name, RFC 5280 4.1.2.4, with every text as UTF8String."""
    if name.tag != SEQUENCE:
        raise Malformed("a name is no sequence")
    return encode(SEQUENCE, *[_relative(part, used) for part in children(name.content)])


def _relative(part: Element, used: set[Tolerance]) -> bytes:
    entries = children(part.content)
    if part.tag != SET or not entries:
        raise Malformed("a part of a name is no set")
    if [entry.whole for entry in entries] != sorted(entry.whole for entry in entries):
        used.add(Tolerance.SET_ORDER)
    return encode(SET, *sorted(_entry(entry, used) for entry in entries))


def _entry(entry: Element, used: set[Tolerance]) -> bytes:
    parts = children(entry.content)
    if entry.tag != SEQUENCE or len(parts) != 2 or parts[0].tag != OID:
        raise Malformed("an entry of a name is no kind and value")
    kind, value = parts
    if value.tag == SEQUENCE:  # A postal address. RFC 4514 2.4: a value that is not text is shown as its bytes.
        used.add(Tolerance.TEXT)
        return encode(SEQUENCE, kind.whole, encode(UTF8_STRING, b"#" + value.whole.hex().encode()))
    read, holds, is_tolerated = _KINDS.get(value.tag, _NO_TEXT)
    if not holds(value.content):
        if not is_tolerated:
            return entry.whole
        used.add(Tolerance.TEXT)
    return encode(SEQUENCE, kind.whole, encode(UTF8_STRING, read(value.content).encode()))


def mend_general_names(names: bytes, used: set[Tolerance]) -> bytes:
    """The contents of GeneralNames without what the library cannot read. No constraint can be about the names left out: the
    library cannot read constraints of these kinds either, and then nothing below them is suitable."""
    return b"".join(_general(name, used) for name in children(names))


def _general(name: Element, used: set[Tolerance]) -> bytes:
    if name.tag == context(DIRECTORY):
        return encode(name.tag, mend_name(only(name.content, SEQUENCE), used))
    if name.tag in _ASCII_KINDS and not name.content.isascii():
        used.add(Tolerance.TEXT)
        # A host never has a question mark, so this name covers nothing.
        return encode(name.tag, bytes(byte if byte < 0x80 else 0x3F for byte in name.content))
    if name.tag in (context(X400), context(EDI)):
        used.add(Tolerance.KIND_OF_NAME)
        return b""
    return name.whole
