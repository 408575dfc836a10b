"""Finds the encoding of an XML file as .NET Framework does: from its byte-order mark, else from its declaration. Expat
knows four encodings; this module knows all in which one value can be changed while all bytes around it stay.

The names shift_jis, gb2312 and big5 mean for .NET the code pages of Windows, which have more characters than the standards."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

from agents.profiles.text import Text

_MARKS = (
    # The longer ones first, because UTF-32's little-endian mark begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
# Without a mark: the first "<" in an encoding of two or four bytes.
_BEGINNINGS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(r"<\?xml\s[^>]*?\sencoding\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.ASCII)
_LONGEST_DECLARATION = 400  # bytes

_ISO = re.compile(r"(?:cs)?iso-?(?:8859)-?(\d{1,2})(?::\d+)?(?:-[ie])?|(?:iso|csiso)?-?latin-?(1)|l(1)")
_ISO_PARTS = frozenset((*range(1, 12), 13, 14, 15, 16))
_PAGE = re.compile(r"(?:x-)?(?:cs)?(?:windows|cp|ibm|dos)-?0*(\d{3,5})")
_PAGES = frozenset((
    437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874, *range(1250, 1259),
    932, 936, 949, 950,
))  # fmt: skip
# Encodings with one byte for each character; in all others a character has one or more.
_NAMES = {
    "ascii": ("us-ascii", "ascii", "ansi-x3.4-1968", "iso646-us", "us"),
    "koi8-r": ("koi8-r", "koi8", "koi", "cskoi8r"),
    "koi8-u": ("koi8-u", "koi8-ru"),
    "cp874": ("tis-620",),
    "mac-roman": ("macintosh", "mac", "x-mac-roman"),
    "mac-latin2": ("x-mac-ce",),
    "mac-cyrillic": ("x-mac-cyrillic",),
    "mac-greek": ("x-mac-greek",),
    "mac-turkish": ("x-mac-turkish",),
    "mac-iceland": ("x-mac-icelandic",),
    "cp932": ("shift-jis", "sjis", "x-sjis", "ms-kanji", "csshiftjis", "x-ms-cp932", "windows-31j", "cswindows31j"),
    "euc_jp": ("euc-jp", "x-euc-jp", "x-euc", "cseucpkdfmtjapanese", "extended-unix-code-packed-format-for-japanese"),
    "cp936": ("gb2312", "gb-2312-80", "gb2312-80", "gbk", "chinese", "csgb2312", "csgb231280", "cn-gb", "x-euc-cn", "euc-cn"),
    "gb18030": ("gb18030",),
    "cp950": ("big5", "big5-hkscs", "cn-big5", "csbig5", "x-x-big5", "big-five"),
    "cp949": (
        "euc-kr",
        "ks-c-5601-1987",
        "ks-c-5601",
        "ks-c-5601-1989",
        "ksc5601",
        "ksc-5601",
        "korean",
        "cseuckr",
        "iso-ir-149",
    ),
    "utf-8": (
        "utf-8",
        "utf8",
        "unicode-1-1-utf-8",
        "unicode-2-0-utf-8",
        "x-unicode-1-1-utf-8",
        "x-unicode-2-0-utf-8",
        "cp65001",
    ),
}
_BY_NAME = {name: codec for codec, names in _NAMES.items() for name in names}
_MULTIBYTE = frozenset(("cp932", "euc_jp", "cp936", "gb18030", "cp950", "cp949", "utf-8"))
_WIDE = re.compile(r"utf-?(?:16|32)(?:le|be|-le|-be)?|ucs-?[24]|iso-10646-ucs-[24]|unicode(?:fffe)?|csunicode")
# In these encodings a byte's meaning depends on the bytes before it, or "<" is another byte: a value cannot be changed alone.
_UNSAFE = re.compile(
    r"(?:cs|x-cp|x-)?(?:iso-?2022|utf-?7|hz|unicode-1-1-utf-7|5022[0-9]|ebcdic|cp-?(?:037|1047)|ibm-?(?:0?37|2[7-9]\d|4[0-24-9]\d|500|8[78]\d|905|924|10(?:26|47)|11[34]\d)).*"
)


@dataclass(frozen=True, slots=True)
class XmlText(Text):
    """The text of an XML file."""

    data: bytes  # the file's bytes
    errors: str  # codec error handler for bytes that are not a character

    def offset(self, place: int) -> int:
        """The byte at which this character begins. Found by decoding, because some characters have two encodings."""
        low, high = 0, len(self.data) - self.bom
        while low < high:
            middle = (low + high) // 2
            reader = codecs.getincrementaldecoder(self.codec)(self.errors)
            if len(reader.decode(self.data[self.bom : self.bom + middle])) < place:
                low = middle + 1
            else:
                high = middle
        return self.bom + low


def decode(data: bytes) -> XmlText:
    """The file's text. Raises ValueError, with a text for people, if it cannot be read or cannot be changed safely."""
    bom, codec = _written(data)
    declared = _declared(data, bom, codec)
    if codec is None:
        codec = _codec(declared) if declared else "utf-8"
    elif declared and not bom and codec != "utf-8" and not _WIDE.fullmatch(_plain(declared)):
        raise ValueError(f"it is written in {codec} without a byte-order mark, and declares {declared}")
    # Like Windows, accept every byte in a code page, also undefined ones.
    errors = "strict" if codec.startswith("utf") else _PAIRS if codec in _MULTIBYTE else "replace"
    try:
        return XmlText(bom, codec, data[bom:].decode(codec, errors), data, errors)
    except UnicodeDecodeError as error:
        said = f"declares {declared}" if declared else "has no declaration"
        raise ValueError(f"it {said}, and is not written in {codec}: byte {bom + error.start}") from error


def _pair(error: UnicodeError) -> tuple[str, int]:
    """Error handler for a character that Python's table lacks, such as a user-defined one. None of the bytes that may be
    its second has a meaning in XML, so it cannot hide a tag."""
    assert isinstance(error, UnicodeDecodeError)
    first, *rest = error.object[error.start : error.start + 2]
    if first in (0x80, 0xA0, 0xFF):
        return "\ufffd", error.start + 1
    if first > 0x80 and rest and rest[0] >= 0x40 and rest[0] != 0x7F:
        return "\ufffd", error.start + 2
    raise error


_PAIRS = "tillway-pairs"
codecs.register_error(_PAIRS, _pair)


def _written(data: bytes) -> tuple[int, str | None]:
    """The mark's length, and the encoding according to the first bytes; None if they do not show it."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return len(mark), codec
    return 0, _first(_BEGINNINGS, data)


def _first(beginnings: Iterable[tuple[bytes, str]], data: bytes) -> str | None:
    return next((codec for begin, codec in beginnings if data.startswith(begin)), None)


def _declared(data: bytes, bom: int, codec: str | None) -> str | None:
    """The encoding's name in the declaration; None if there is none."""
    head = data[bom : bom + _LONGEST_DECLARATION].decode(codec or "latin-1", "replace")
    match = _DECLARED.match(head)
    return (match[1] or match[2]) if match else None


def _codec(declared: str) -> str:
    """Python's codec for a declared encoding, which must be built on ASCII. Raises ValueError."""
    name = _plain(declared)
    if codec := _BY_NAME.get(name):
        return codec
    if (match := _ISO.fullmatch(name)) and int(number := match[1] or "1") in _ISO_PARTS:
        return f"iso8859-{int(number)}"
    if (match := _PAGE.fullmatch(name)) and int(match[1]) in _PAGES:
        return f"cp{int(match[1])}"
    if _WIDE.fullmatch(name):
        raise ValueError(
            f"it declares the encoding {declared}, and its bytes are those of another one, without a byte-order mark"
        )
    if _UNSAFE.fullmatch(name):
        raise ValueError(f"its encoding {declared} keeps a state or is not built on ASCII: one value cannot be changed safely")
    raise ValueError(f"it declares the encoding {declared[:60]!r}, which this agent does not know")


def _plain(name: str) -> str:
    return re.sub(r"[_\s]", "-", name.strip().lower())
