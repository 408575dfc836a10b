"""Shared by the formats: a value with its place in the file, and text that remembers the place of its bytes."""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from agents.errors import StepError

Word = str | int | bool
REMEDY = "Check the file on the device; open and save the settings in the program that they belong to."
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Found:
    """One value in a file."""

    text: str  # as the file has it (in JSON with its quotes)
    begin: int  # its bytes are begin..end
    end: int
    value: Word  # its meaning


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text. These functions never split a character's bytes."""

    bom: int  # number of bytes of its byte-order mark
    codec: str  # of the bytes after the mark
    text: str

    def offset(self, place: int) -> int:
        """The byte at which this character begins."""
        return self.bom + len(self.text[:place].encode(self.codec))


def decode(data: bytes, otherwise: Literal["latin-1"] | None = None) -> Text:
    """UTF-8 or UTF-16, with or without byte-order mark; `otherwise` reads bytes that are neither. Raises ValueError."""
    bom, codec = next(((len(bom), codec) for bom, codec in _BOMS if data.startswith(bom)), (0, _unmarked(data)))
    try:
        text = data[bom:].decode(codec)
    except UnicodeDecodeError:
        if otherwise is None or bom:
            raise
        codec, text = otherwise, data.decode(otherwise)
    if "\0" in text:
        raise ValueError("it holds zero bytes, as only other encodings and binary files do")
    return Text(bom, codec, text)


def splice(data: bytes, found: Found, new: str, codec: str) -> bytes:
    """The bytes with this one value replaced."""
    return data[: found.begin] + new.encode(codec) + data[found.end :]


def line_and_column(text: Text, data: bytes, offset: int) -> tuple[int, int]:
    """Line and column of this byte, both counted from 1 as editors do."""
    lines = _LINE_END.split(data[text.bom : offset].decode(text.codec, "replace"))
    return len(lines), len(lines[-1]) + 1


def line_parts(text: Text, data: bytes, begin: int, end: int) -> tuple[str, str, str]:
    """The text of this value, and the text before and after it on its line."""
    parts = (data[text.bom : begin], data[begin:end], data[end:])
    before, value, after = (part.decode(text.codec, "replace") for part in parts)
    return _LINE_END.split(before)[-1], value, _LINE_END.split(after)[0]


def once(places: int, path: str, file: str) -> None:
    """Raises StepError setting_missing unless a selector matched exactly once."""
    if places != 1:
        problem = "is missing" if not places else f"stands there {places} times"
        raise StepError("setting_missing", f"{file}: {path} {problem}", REMEDY)


def invalid(path: str, file: str, problem: str) -> StepError:
    """The finding for a value that exists but cannot be used."""
    return StepError("setting_invalid", f"{file}: {path} {problem}", REMEDY)


def _unmarked(data: bytes) -> str:
    """The codec of bytes without a mark. The first character of a settings file is ASCII, so a zero byte there means UTF-16."""
    if len(data) > 1 and bool(data[0]) != bool(data[1]):
        return "utf-16-le" if data[0] else "utf-16-be"
    return "utf-8"
