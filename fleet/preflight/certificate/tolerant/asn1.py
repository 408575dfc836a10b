"""Elements of DER, read and written. BER is read only where it wraps certificates in a file, never in a certificate itself."""

from dataclasses import dataclass

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED = 0x20
_END = 0x00  # "End of contents", X.690 8.1.5.
_DEEPEST = 24  # A PFX has some 15 nested elements.


class Malformed(ValueError):
    """These bytes are not DER (or not BER, where that is allowed)."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element."""

    tag: int  # its first byte
    content: bytes  # what is inside
    whole: bytes  # all of it, as it stands in the file


def context(number: int, *, constructed: bool = True) -> int:
    """The tag [number]."""
    return 0x80 | number | (CONSTRUCTED if constructed else 0)


def children(data: bytes, *, ber: bool = False) -> list[Element]:
    """The elements in these bytes, one after the other. ber: lengths may be longer than necessary, or open."""
    found, place = [], 0
    while place < len(data):
        element = _at(data, place, ber, _DEEPEST)
        found.append(element)
        place += len(element.whole)
    return found


def first(data: bytes, *, ber: bool = False) -> Element:
    """The first element of these bytes, whatever follows."""
    return _at(data, 0, ber, _DEEPEST)


def only(data: bytes, tag: int, *, ber: bool = False) -> Element:
    """The element that these bytes consist of."""
    element = first(data, ber=ber)
    if element.tag != tag or len(element.whole) != len(data):
        raise Malformed(f"one element of kind {tag:#04x} is expected")
    return element


def encode(tag: int, *parts: bytes) -> bytes:
    """An element with these contents, as DER."""
    size = sum(len(part) for part in parts)
    return bytes([tag]) + length(size) + b"".join(parts)


def length(size: int) -> bytes:
    """A length as DER writes it."""
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(digits)]) + digits


def octets(element: Element) -> bytes:
    """The bytes of an OCTET STRING; BER cuts it into pieces. X.690 8.7."""
    if not element.tag & CONSTRUCTED:
        return element.content
    return b"".join(octets(piece) for piece in children(element.content, ber=True))


def dotted(kind: bytes) -> str:
    """An OID's contents as numbers and dots. X.690 8.19."""
    numbers, number = [], 0
    for byte in kind:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2) if numbers else 0
    return ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:])) if numbers else ""


def _at(data: bytes, place: int, ber: bool, depth: int) -> Element:
    if depth == 0:
        raise Malformed("too many elements in each other")
    if place + 2 > len(data):
        raise Malformed("it ends within an element")
    tag, size, begin = data[place], data[place + 1], place + 2
    if tag & 0x1F == 0x1F:
        raise Malformed("a tag of more than one byte")
    if size == 0x80:
        return _open(data, place, ber, depth)
    if size > 0x80:
        begin, size = _long(data, begin, size & 0x7F, ber)
    if begin + size > len(data):
        raise Malformed("it ends within an element")
    return Element(tag, data[begin : begin + size], data[place : begin + size])


def _long(data: bytes, begin: int, digits: int, ber: bool) -> tuple[int, int]:
    """Where the content begins, and its size."""
    end = begin + digits
    written = data[begin:end]
    size = int.from_bytes(written)
    if digits > 8 or len(written) != digits or (not ber and written != length(size)[1:]):
        raise Malformed("a length that is not as DER writes it")
    return end, size


def _open(data: bytes, place: int, ber: bool, depth: int) -> Element:
    """An element with an open length. X.690 8.1.3.6."""
    if not ber or not data[place] & CONSTRUCTED:
        raise Malformed("a length that is left open")
    inside = place + 2
    while data[inside : inside + 2] != bytes([_END, 0]):
        inside += len(_at(data, inside, ber, depth - 1).whole)
    return Element(data[place], data[place + 2 : inside], data[place : inside + 2])
