"""PEM, RFC 7468, as mail programs, editors, browsers and PowerShell write it: any encoding, line ends and invisible
characters. A visible character that does not belong there is damage."""

import binascii
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_BEGIN = "-----BEGIN"
_MARK = re.compile(r"-----(BEGIN|END)\s+([^-\r\n]*?)\s*-----")
# Notepad's "Unicode" and PowerShell's > write this.
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UNUSUAL = re.compile(r"[^\x20-\x7e\t\n\r]")
# Bytes that are not UTF-8, in a web page's older encoding: no-break space, soft hyphen, next line.
_OLD = {chr(0xDCA0): " ", chr(0xDCAD): "", chr(0xDC85): "\n"}
_LINE = 64


@dataclass(frozen=True, slots=True)
class Block:
    """One block."""

    label: str
    headers: tuple[str, ...] = ()  # lines of RFC 1421, as older locked keys have them
    base64: str | None = None  # without white space; None for a block without an end

    def decoded(self) -> bytes:
        """The bytes. Raises ValueError for text that is not base64."""
        return binascii.a2b_base64((self.base64 or "").encode("ascii", errors="replace"), strict_mode=True)

    def tidy(self) -> bytes:
        """The block in the form that the library expects."""
        text = self.base64 or ""
        lines = [text[place : place + _LINE] for place in range(0, len(text), _LINE)]
        headers = [*self.headers, ""] if self.headers else []
        whole = [f"-----BEGIN {self.label}-----", *headers, *lines, f"-----END {self.label}-----", ""]
        return "\n".join(whole).encode("ascii", errors="replace")


def text_of(data: bytes) -> str | None:
    """The cleaned text of a file with PEM blocks; None for another kind of file."""
    encoding = _encoding(data)
    if encoding is None:
        return None
    text = data.decode(encoding, errors="surrogateescape" if encoding == "utf-8" else "replace")
    return _UNUSUAL.sub(_cleaned, text)


def _encoding(data: bytes) -> str | None:
    if data[:1] == b"\x30" and data[1:2] >= b"\x80":
        return None  # DER, whatever texts are in it.
    if _BEGIN.encode() in data:
        return "utf-8"
    # A letter of wide text has two bytes, so the beginning of a block stands at an even place.
    return next((one for one in _WIDE.values() if (place := data.find(_BEGIN.encode(one))) >= 0 and place % 2 == 0), None)


def _cleaned(found: re.Match[str]) -> str:
    letter = found.group()
    if letter in _OLD:
        return _OLD[letter]
    kind = unicodedata.category(letter)
    if letter.isspace():
        return "\n" if kind in ("Cc", "Zl", "Zp") else " "
    return "" if kind in ("Cc", "Cf") else letter


def blocks(text: str) -> Iterator[Block]:
    """Every block of a cleaned text, in order."""
    marks = list(_MARK.finditer(text))
    opened = 0
    for mark, end in pairwise([*marks, None]):
        if mark is None or mark.group(1) != "BEGIN":
            continue
        opened += 1
        label = " ".join(mark.group(2).split())
        if end is None or end.group(1) != "END" or " ".join(end.group(2).split()) != label:
            yield Block(label)
        else:
            yield _block(label, text[mark.end() : end.start()])
    for _ in range(text.count(_BEGIN) - opened):
        yield Block("")


def _block(label: str, inside: str) -> Block:
    if ":" not in inside:
        return Block(label, (), "".join(inside.split()))
    lines = [line.strip() for line in inside.splitlines()]
    headers = tuple(line for line in lines if ":" in line)
    return Block(label, headers, "".join("".join(line.split()) for line in lines if ":" not in line))


def bare_base64(data: bytes) -> bytes | None:
    """The bytes of a file that is base64 without its first and last line, which Windows reads too; None for another file."""
    encoding = _WIDE.get(data[:2], "utf-8")
    try:
        text = "".join(_UNUSUAL.sub(_cleaned, data.decode(encoding)).split())
        decoded = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        return None
    return decoded if decoded[:1] == b"\x30" else None
