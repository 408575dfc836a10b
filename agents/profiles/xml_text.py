"""One element's text in an XML settings file, found by its byte offsets and replaced there: a byte-order
mark, line ends, comments, attribute order, encoding and every other byte stay what they are."""

import codecs
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from agents.errors import StepError
from agents.profiles import text as shared
from agents.profiles.text import REMEDY, Found


def read(data: bytes, path: str, file: str) -> Found:
    """The one element at `path` ("A/B/C") in these bytes of `file`, a name for messages only. Raises
    StepError settings_not_xml, setting_missing or setting_invalid."""
    found = _Scan(data, path, file).run()
    shared.once(len(found), path, file)
    begin, end, text = found[0]
    narrow = _encoding(data)
    raw = data[begin:end].decode(narrow, errors="replace")
    if raw.replace("\r\n", "\n") != text or not text.strip():
        raise shared.invalid(path, file, "holds no plain text")
    lead = raw[: len(raw) - len(raw.lstrip())].encode(narrow)
    trail = raw[len(raw.rstrip()) :].encode(narrow)
    return Found(text.strip(), begin + len(lead), end - len(trail), text.strip())


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The file's bytes with this element's text replaced. Raises StepError as read() does."""
    changed = shared.splice(data, read(data, path, file), value, _encoding(data))
    if read(changed, path, file).text != value:
        raise shared.invalid(path, file, f"could not be changed to {value!r}")
    return changed


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
            raise StepError("settings_not_xml", f"{self.file}: is not XML that can be read ({error})", REMEDY) from error
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
        raise StepError("settings_not_xml", f"{self.file}: holds a document type, which settings never do", REMEDY)
