"""One element's text, or one attribute's value, in an XML settings file, found by its byte offsets and replaced there:
a byte-order mark, line ends, comments, attribute order, encoding and every other byte stay what they are."""

import codecs
import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from agents.errors import StepError
from agents.profiles import text as shared
from agents.profiles import xml_path
from agents.profiles.text import REMEDY, Found
from agents.profiles.xml_path import Path

_TAG = re.compile(r"<[^\s/>]+", re.ASCII)
_ATTRIBUTE = re.compile(r"\s+[^\s=]+\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.ASCII)


def read(data: bytes, path: str, file: str) -> Found:
    """The one element's text or attribute at `path` (xml_path) in these bytes of `file`, a name for messages only.
    Raises StepError settings_not_xml, setting_missing or setting_invalid."""
    found = _Scan(data, xml_path.parse(path), file).run()
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
    """The file's bytes with this one value replaced. Raises StepError as read() does."""
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
    """One pass over the file: what the path means, as (begin, end, text) per occurrence."""

    data: bytes
    path: Path
    file: str
    # Of each open element, whether it and all above it are those of the path.
    stack: list[bool] = field(default_factory=list)
    found: list[tuple[int, int, str]] = field(default_factory=list)
    begin: int = -1
    text: str = ""
    parser: expat.XMLParserType = field(init=False)

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

    def _here(self) -> bool:
        return len(self.stack) == len(self.path.parts) and self.stack[-1]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth, above = len(self.stack), self.stack[-1] if self.stack else True
        parts = self.path.parts
        self.stack.append(above and depth < len(parts) and parts[depth].matches(name, attributes))
        if not self._here():
            return
        wanted = self.path.attribute
        if wanted is None:
            self.begin, self.text = -1, ""
        elif wanted in attributes:
            # A second one is refused anyway: where it stands need not be found.
            place = self._place(list(attributes).index(wanted)) if not self.found else (0, 0)
            self.found.append((*place, attributes[wanted]))

    def _place(self, number: int) -> tuple[int, int]:
        """From where to where the tag's attribute of this number has its value, without the quotes."""
        tag = self.parser.CurrentByteIndex
        narrow = _encoding(self.data)
        # What is looked for is ASCII: where that is one byte, each byte may count as a character.
        codec = "latin-1" if narrow == "ascii" else narrow
        text = self.data[tag:].decode(codec)
        match = _TAG.match(text)
        for _ in range(number + 1):
            match = _ATTRIBUTE.match(text, match.end()) if match else None
        if match is None or match.lastindex is None:
            raise ValueError("the attributes of a tag cannot be told apart")
        begin, end = (tag + len(text[:place].encode(codec)) for place in match.span(match.lastindex))
        return begin, end

    def _characters(self, text: str) -> None:
        if self.path.attribute is None and self._here():
            if self.begin < 0:
                self.begin = self.parser.CurrentByteIndex
            self.text += text

    def _end(self, _: str) -> None:
        if self.path.attribute is None and self._here():
            end = self.parser.CurrentByteIndex
            self.found.append((self.begin if self.begin >= 0 else end, end, self.text))
        self.stack.pop()

    def _doctype(self, *_: object) -> NoReturn:
        # Entities could make the parser's text differ from the bytes, and read other files.
        raise StepError("settings_not_xml", f"{self.file}: holds a document type, which settings never do", REMEDY)
