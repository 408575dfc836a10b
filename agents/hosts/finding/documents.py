"""XML files below some folders, and the single values in them. All of it is bounded: a folder of programs may hold anything."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from agents.profiles import xml_encoding

MAX_DEPTH = 4  # folders below the first one
MAX_ENTRIES = 5_000  # names that are looked at, in all folders together
MAX_FILES = 200
MAX_BYTES = 1024 * 1024  # of one file
MAX_VALUES = 5_000  # of one file
MAX_TEXT = 300  # characters of a value; longer ones are no host and no port
_ENDINGS = (".xml", ".config")


@dataclass(frozen=True, slots=True)
class Value:
    """One text or attribute of an XML file."""

    selector: str  # as a settings profile writes it
    name: str  # what the file calls it: the element, the attribute, or the value of `key` beside it
    parent: str  # selector of the element around it
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One XML file that could be read."""

    path: Path
    values: tuple[Value, ...]


def below(folders: Iterable[Path]) -> list[Document]:
    """The XML files in these folders and below them. A file that is not XML is passed over, and so is what may not be read.
    Never raises."""
    found = []
    for path in _files(folders):
        try:
            values = read(path.read_bytes())
        except (OSError, ValueError, expat.ExpatError):
            continue
        found.append(Document(path, values))
    return found


def read(data: bytes) -> tuple[Value, ...]:
    """The single values in this XML. Raises ValueError or ExpatError where it is none, and for a document type: with its
    entities a small file could become a huge text."""
    return _Reader().read(xml_encoding.decode(data).text)


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    """Breadth first, so that a deep folder does not hide the files near the top. Links are not followed."""
    waiting = [(folder, 0) for folder in dict.fromkeys(folders)]
    seen, files = 0, 0
    while waiting:
        folder, depth = waiting.pop(0)
        for entry in _entries(folder):
            seen += 1
            if seen > MAX_ENTRIES or files >= MAX_FILES:
                return
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        waiting.append((Path(entry.path), depth + 1))
                elif _may_be_settings(entry):
                    files += 1
                    yield Path(entry.path)
            except OSError:
                continue


def _may_be_settings(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(_ENDINGS) and entry.stat(follow_symlinks=False).st_size <= MAX_BYTES


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


@dataclass(slots=True)
class _Open:
    """An element that has begun and not ended."""

    selector: str
    parent: str
    name: str
    text: str = ""
    single: bool = True  # it has no elements inside


@dataclass(slots=True)
class _Reader:
    """One pass over a file."""

    stack: list[_Open] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def read(self, text: str) -> tuple[Value, ...]:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _doctype
        parser.Parse(text.encode(), True)
        return tuple(self.values)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self.stack[-1].selector if self.stack else ""
        if self.stack:
            self.stack[-1].single = False
        by = next((key for key in ("key", "name") if key in attributes and '"' not in attributes[key]), None)
        label = attributes[by] if by else name
        selector = f"{parent}/{name}" if parent else name
        if by:
            selector += f'[@{by}="{label}"]'
        self.stack.append(_Open(selector, parent, label))
        for key, text in attributes.items():
            if key != by:
                # <add key="Port" value="1"/>: the key says what it is; <Server port="1"/>: the attribute does.
                self._keep(Value(f"{selector}/@{key}", label if by else key, parent if by else selector, text))

    def _characters(self, text: str) -> None:
        if self.stack and len(self.stack[-1].text) <= MAX_TEXT:
            self.stack[-1].text += text

    def _end(self, _: str) -> None:
        ended = self.stack.pop()
        if ended.single:
            self._keep(Value(ended.selector, ended.name, ended.parent, ended.text))

    def _keep(self, value: Value) -> None:
        if value.text.strip() and len(value.text) <= MAX_TEXT and len(self.values) < MAX_VALUES:
            self.values.append(Value(value.selector, value.name, value.parent, value.text.strip()))


def _doctype(*_: object) -> NoReturn:
    raise ValueError("it has a document type, which settings never do")


def port_of(text: str) -> int | None:
    """The TCP port that this text is, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536 else None
