"""Reads CSV as spreadsheets write it in different countries, with their encodings, separators and line ends. An error
names its line and column."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleet.services.errors import Invalid

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
WESTERN = "Windows-1252"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# A letter that is not ASCII, as UTF-8 writes it.
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t| ]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text."""

    text: str
    guessed: str | None = None  # the encoding, where it was guessed and some letters may be wrong


class Undecodable(Invalid):
    """A file with bytes that are not text. text: what can be shown of it, so that a person can correct it."""

    def __init__(self, text: str, *errors: tuple[str, str]) -> None:
        super().__init__(*errors)
        self.text = text


@dataclass(frozen=True, slots=True)
class Record:
    """One row."""

    line: int  # where it ends, as editors count, from 1
    cells: list[str]
    raw: str  # as it stands in the file


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows."""

    separator: str  # between the cells
    header: Record  # the first row
    rows: list[Record]  # those below it that are not empty


def decode(data: bytes) -> Decoded:
    """The text of these bytes: by their byte-order mark, else as UTF-8, else in the encoding of Western European Windows.
    Raises Undecodable with the place of the first wrong byte."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return Decoded(_strict(data[len(mark) :], codec, f"has the byte-order mark of {_NAMES[codec]}"))
    if data[:2].count(0) == 1:  # the first letter of a header is ASCII
        codec = "utf-16-le" if data[1] == 0 else "utf-16-be"
        return Decoded(_strict(data, codec, "looks like UTF-16"))
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError:
        if _UTF8_LETTER.search(data):
            # It was put together from two files, so with either encoding some letters would be wrong.
            return Decoded(_strict(data, "utf-8", "looks like UTF-8"))
        return Decoded(_strict(data, "cp1252", f"was read as {WESTERN}"), WESTERN)


def read(text: str, columns: Sequence[str]) -> Table:
    """The rows of this CSV. columns: the names that a header may have, by which the separator is found. Raises Invalid with
    pairs of place and message."""
    text = text.removeprefix("\ufeff")
    lines = [match[0] for match in _LINE.finditer(text)]
    said = _SEP_LINE.fullmatch(lines[0].strip("\r\n")) if lines else None
    if said and said[1] not in SEPARATORS:
        raise Invalid(("line 1, column 5", f"{said[1]!r} is not a supported separator: use a comma, a semicolon or a tab"))
    below = lines[1:] if said else lines
    separator = said[1] if said else _separator(below[0] if below else "", columns)
    records = _records(below, separator, 1 if said else 0)
    header = next(records, Record(1, [], ""))
    rows = [record for record in records if any(cell.strip() for cell in record.cells)]
    return Table(separator, header, rows)


def column_of(raw: str, place: int) -> int:
    """The column of the character at this place (from 0) of a row, counted from 1 in its own line."""
    return len(_LINE_END.split(raw[:place])[-1]) + 1


def other_separator(record: Record, separator: str, width: int) -> tuple[int, str] | None:
    """The column and the name of another separator in a row of one cell, or None. width: the number of the header's cells."""
    if width < 2 or len(record.cells) != 1:
        return None
    for other in SEPARATORS:
        if other != separator and 2 <= len(next(_reader([record.raw], other), [])) <= width:
            return column_of(record.raw, record.raw.index(other)), SEPARATORS[other]
    return None


def _strict(data: bytes, codec: str, why: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        before = _LINE_END.split(data[: error.start].decode(codec))
        place = f"line {len(before)}, column {len(before[-1]) + 1}"
        message = f"the byte {data[error.start]:02X} is not valid there: save the file as “CSV UTF-8”"
        raise Undecodable(data.decode(codec, "replace"), (place, f"the file {why}, and {message}")) from error


def _separator(header: str, columns: Sequence[str]) -> str:
    """The separator that splits the header into the most known column names, and of equals the most frequent one."""
    known = set(columns)

    def fits(separator: str) -> tuple[int, int]:
        names = {cell.strip().lower() for cell in next(_reader([header], separator), [])}
        return len(names & known), header.count(separator)

    return max(SEPARATORS, key=fits)


def _records(lines: list[str], separator: str, above: int) -> Iterator[Record]:
    taken: list[str] = []

    def giving() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(giving(), strict=True, delimiter=separator)
    while True:
        taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            place = f"line {above + reader.line_num - len(taken) + 1}, column {_quote(taken)}"
            raise Invalid((place, f"is not valid CSV: {error}")) from error
        if cells is None:
            return
        yield Record(above + reader.line_num, cells, "".join(taken))


def _quote(taken: list[str]) -> int:
    """The column of the first quotation mark of these lines, where the error in the quoting began."""
    return "".join(taken).find('"') + 1 or 1


def _reader(lines: list[str], separator: str) -> Iterator[list[str]]:
    """The rows up to the first one that cannot be read."""
    try:
        yield from csv.reader(lines, delimiter=separator)
    except csv.Error:
        return
