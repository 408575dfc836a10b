"""One element's text in an XML settings file, found by its byte offsets and replaced there: a byte-order
mark, line ends, comments, attribute order, encoding and every other byte stay what they are."""

import codecs
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from agents.errors import StepError

_REMEDY = "Look at the file on the device; open and save the settings in the program they belong to."


@dataclass(frozen=True, slots=True)
class Element:
    """An element's text without surrounding blanks, and where it stands: bytes begin..end of the file."""

    text: str
    begin: int
    end: int


def read(data: bytes, path: str, file: str) -> Element:
    """The one element at `path` ("A/B/C") in these bytes of `file`, a name for messages only. Raises
    StepError settings_not_xml, setting_missing or setting_invalid."""
    found = _Scan(data, path, file).run()
    if len(found) != 1:
        problem = "is missing" if not found else f"stands there {len(found)} times"
        raise StepError("setting_missing", f"{file}: {path} {problem}", _REMEDY)
    begin, end, text = found[0]
    narrow = _encoding(data)
    raw = data[begin:end].decode(narrow, errors="replace")
    if raw.replace("\r\n", "\n") != text or not text.strip():
        raise StepError("setting_invalid", f"{file}: {path} holds no plain text", _REMEDY)
    lead = raw[: len(raw) - len(raw.lstrip())].encode(narrow)
    trail = raw[len(raw.rstrip()) :].encode(narrow)
    return Element(text.strip(), begin + len(lead), end - len(trail))


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The file's bytes with this element's text replaced. Raises StepError as read() does."""
    element = read(data, path, file)
    changed = data[: element.begin] + value.encode(_encoding(data)) + data[element.end :]
    if read(changed, path, file).text != value:
        raise StepError("setting_invalid", f"{file}: {path} could not be changed to {value!r}", _REMEDY)
    return changed


def read_bool(data: bytes, path: str, file: str) -> bool:
    """True or False, in any case. Raises StepError as read() does."""
    text = read(data, path, file).text.lower()
    if text not in ("true", "false"):
        raise StepError("setting_invalid", f"{file}: {path} is neither True nor False", _REMEDY)
    return text == "true"


def read_number(data: bytes, path: str, file: str, low: int, high: int, code: str = "setting_invalid") -> int:
    """A whole number in low..high. Raises StepError as read() does, with `code` for other numbers."""
    text = read(data, path, file).text
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise StepError(code, f"{file}: {path} is no whole number from {low} to {high}", _REMEDY)
    return int(text)


def read_port(data: bytes, path: str, file: str) -> int:
    """A TCP port. Raises StepError as read() does, port_out_of_range for other numbers."""
    return read_number(data, path, file, 1, 65535, "port_out_of_range")


def _encoding(data: bytes) -> str:
    """How the values we write, which are all ASCII, look in this file. Every encoding that expat reads
    and that is not UTF-16 writes ASCII as ASCII."""
    if data.startswith(codecs.BOM_UTF16_LE) or data[:2] == b"<\0":
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE) or data[:2] == b"\0<":
        return "utf-16-be"
    return "ascii"


@dataclass(slots=True)
class _Scan:
    """One pass over the file: the wanted element's inner text, as (begin, end, text) per occurrence."""

    data: bytes
    path: str
    file: str
    stack: list[str] = field(default_factory=list)
    found: list[tuple[int, int, str]] = field(default_factory=list)
    begin: int = -1
    text: str = ""

    def run(self) -> list[tuple[int, int, str]]:
        parser = self.parser = expat.ParserCreate()
        parser.buffer_text = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(self.data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise StepError("settings_not_xml", f"{self.file}: is not XML that can be read ({error})", _REMEDY) from error
        return self.found

    parser: expat.XMLParserType = field(init=False)

    def _here(self) -> bool:
        return "/".join(self.stack) == self.path

    def _start(self, name: str, _: object) -> None:
        self.stack.append(name)
        if self._here():
            self.begin, self.text = -1, ""

    def _characters(self, text: str) -> None:
        if self._here():
            if self.begin < 0:
                self.begin = self.parser.CurrentByteIndex
            self.text += text

    def _end(self, _: str) -> None:
        if self._here():
            end = self.parser.CurrentByteIndex
            self.found.append((self.begin if self.begin >= 0 else end, end, self.text))
        self.stack.pop()

    def _doctype(self, *_: object) -> NoReturn:
        # Entities could make the parser's text differ from the bytes, and read other files.
        raise StepError("settings_not_xml", f"{self.file}: holds a document type, which settings never do", _REMEDY)
