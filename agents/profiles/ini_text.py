"""One value of an INI file, read as Windows reads it: names are not case-sensitive, `;` and `#` begin a comment only at the
start of a line, quotes around a value do not belong to it. Every other byte stays as it is."""

import re

from agents.errors import StepError
from agents.profiles import text
from agents.profiles.text import REMEDY, Found

_LINE = re.compile(r"[^\r\n]+")
_SECTION = re.compile(r"\[([^\]]*)\][ \t]*(?:[;#].*)?")


def read(data: bytes, path: str, file: str) -> Found:
    """The one value at "Section/Key", or at "Key" before the first section. Raises StepError settings_not_ini,
    setting_missing or setting_invalid."""
    content = decode(data, file)
    section, _, key = path.rpartition("/")
    now, sections, found = "", 0, []
    for line in _LINE.finditer(content.text):
        stripped = line[0].strip(" \t")
        if stripped.startswith("["):
            now = _section(stripped, file, unsure=content.codec == "latin-1")
            sections += _same(now, section)
            continue
        name, equals, rest = line[0].partition("=")
        if equals and not stripped.startswith((";", "#")) and _same(now, section) and _same(name.strip(" \t"), key):
            found.append((line.end() - len(rest.lstrip(" \t")), rest.strip(" \t")))
    if section:
        # If two sections have the same name, programs differ in which they read.
        text.once(sections, f"[{section}]", file)
    text.once(len(found), path, file)
    begin, value = found[0]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        begin, value = begin + 1, value[1:-1]
    if not value.strip():
        raise text.invalid(path, file, "has no value")
    return Found(value, content.offset(begin), content.offset(begin + len(value)), value)


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The file's bytes with this value replaced. Raises StepError as read() does."""
    changed = text.splice(data, read(data, path, file), value, decode(data, file).codec)
    if read(changed, path, file).text != value:
        raise text.invalid(path, file, f"could not be changed to {value!r}")
    return changed


def decode(data: bytes, file: str) -> text.Text:
    """The file's text. Raises StepError settings_not_ini."""
    try:
        # It may be any ANSI code page: ASCII is the same in all, and nothing else is ever written.
        return text.decode(data, "latin-1")
    except ValueError as error:
        raise _not_ini(file, str(error)) from error


def _section(line: str, file: str, *, unsure: bool) -> str:
    """The section's name. unsure: the code page is unknown, so the second byte of a letter may look like a bracket."""
    match = _SECTION.fullmatch(line)
    if match is None and unsure and not line.isascii() and "]" in line:
        return line  # not a name that a profile can have
    if match is None:
        raise _not_ini(file, f"a section's line does not end: {line[:40]}")
    return match[1].strip(" \t")


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _not_ini(file: str, why: str) -> StepError:
    return StepError("settings_not_ini", f"{file}: is not an INI file that can be read ({why})", REMEDY)
