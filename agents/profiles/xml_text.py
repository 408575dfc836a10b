"""One element's text, or one attribute's value, in an XML settings file. It is found and replaced in place: a byte-order mark,
line ends, comments, the order of attributes, the encoding and every other byte stay as they are."""

import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from agents.errors import StepError
from agents.profiles import text as shared
from agents.profiles import xml_encoding, xml_path
from agents.profiles.text import REMEDY, Found
from agents.profiles.xml_encoding import XmlText
from agents.profiles.xml_path import Path

_TAG = re.compile(r"<[^\s/>]+", re.ASCII)
_ATTRIBUTE = re.compile(r"\s+[^\s=]+\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.ASCII)
# XML 1.0, 2.11: each of these is one line end. In an attribute (3.3.3) it counts as a blank, and so does a tab.
_LINE_END, _BLANK = re.compile(r"\r\n|\r"), re.compile(r"\r\n|[\r\n\t]")


def read(data: bytes, path: str, file: str) -> Found:
    """The one element's text or attribute at `path` (xml_path) in these bytes of `file`, a name for messages only.
    Raises StepError settings_not_xml, setting_missing or setting_invalid."""
    content, wanted = decode(data, file), xml_path.parse(path)
    found = _Scan(content, wanted, file).run()
    shared.once(len(found), path, file)
    begin, end, text = found[0]
    raw = content.text[begin:end]
    plain = _LINE_END.sub("\n", raw) if wanted.attribute is None else _BLANK.sub(" ", raw)
    if plain != text or not text.strip():
        raise shared.invalid(path, file, "holds no plain text")
    begin, end = begin + len(raw) - len(raw.lstrip()), begin + len(raw.rstrip())
    return Found(text.strip(), content.offset(begin), content.offset(end), text.strip())


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The file's bytes with this one value replaced. Raises StepError as read() does."""
    # Profiles write only ASCII, which every supported encoding has.
    changed = shared.splice(data, read(data, path, file), value, decode(data, file).codec)
    if read(changed, path, file).text != value:
        raise shared.invalid(path, file, f"could not be changed to {value!r}")
    return changed


def decode(data: bytes, file: str) -> XmlText:
    """The file's text. Raises StepError settings_not_xml."""
    try:
        return xml_encoding.decode(data)
    except ValueError as error:
        raise StepError("settings_not_xml", f"{file}: is not XML that can be read ({error})", REMEDY) from error


@dataclass(slots=True)
class _Scan:
    """One pass over the text. It finds every occurrence of the path, as (begin, end, text) in characters."""

    content: XmlText
    path: Path
    file: str
    # The text in UTF-8 for Expat, whatever encoding the file has.
    utf8: bytes = b""
    # For each open element: whether it and all its ancestors match the path.
    stack: list[bool] = field(default_factory=list)
    found: list[tuple[int, int, str]] = field(default_factory=list)
    begin: int = -1
    text: str = ""
    parser: expat.XMLParserType = field(init=False)

    def run(self) -> list[tuple[int, int, str]]:
        parser = self.parser = expat.ParserCreate("utf-8")
        parser.buffer_text = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            self.utf8 = self.content.text.encode()
            parser.Parse(self.utf8, True)
        except (expat.ExpatError, ValueError) as error:
            raise StepError("settings_not_xml", f"{self.file}: is not XML that can be read ({error})", REMEDY) from error
        return self.found

    def _at(self) -> int:
        """The index of the parser's current character."""
        return len(self.utf8[: self.parser.CurrentByteIndex].decode())

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
            # A second occurrence is refused anyway, so its place is not needed.
            place = self._place(list(attributes).index(wanted)) if not self.found else (0, 0)
            self.found.append((*place, attributes[wanted]))

    def _place(self, number: int) -> tuple[int, int]:
        """Begin and end of the value of the tag's attribute with this number, without the quotes."""
        text = self.content.text
        match = _TAG.match(text, self._at())
        for _ in range(number + 1):
            match = _ATTRIBUTE.match(text, match.end()) if match else None
        if match is None or match.lastindex is None:
            raise ValueError("the attributes of a tag cannot be told apart")
        return match.span(match.lastindex)

    def _characters(self, text: str) -> None:
        if self.path.attribute is None and self._here():
            if self.begin < 0 and not self.found:
                self.begin = self._at()
            self.text += text

    def _end(self, _: str) -> None:
        if self.path.attribute is None and self._here():
            end = self._at() if not self.found else 0
            self.found.append((self.begin if self.begin >= 0 else end, end, self.text))
        self.stack.pop()

    def _doctype(self, *_: object) -> NoReturn:
        # With entities, the parser's text could differ from the bytes, and other files could be read.
        raise StepError("settings_not_xml", f"{self.file}: holds a document type, which settings never do", REMEDY)
