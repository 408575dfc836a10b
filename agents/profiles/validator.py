"""Reads a profile's TOML. All mistakes are reported, each with its field and what would be right."""

import re
import tomllib
from pathlib import Path
from typing import Any

from agents.profiles import restart, xml_path
from agents.profiles.profile import FORMATS, Format, Profile, ProfileError, Switch, same_word
from agents.profiles.text import Word
from agents.protocol import Role

# The grammar of a selector in each format, and its description.
_SELECTORS: dict[Format, tuple[str, str]] = {
    "xml": (
        xml_path.PATTERN,
        'element names from the root down, such as "TouchSettings/Customers/Secured", or an attribute, such as '
        "\"configuration/appSettings/add[@key='UseSSL']/@value\"",
    ),
    "ini": (r"([^\]\r\n]+/)?[^/=\r\n]+", 'section and key, such as "Customers/Secured"'),
    "json": (r"[^/\r\n]+(/[^/\r\n]+)*", 'names from the top down, such as "Customers/Secured"'),
    "registry": (
        r"[^\\\r\n]+(\\[^\\\r\n]+)*",
        "a value's name, after the keys below `key`, such as 'Customers\\Secured'",
    ),
}
# The characters of a word: they need no escaping in a file of any encoding, nor in a registry value.
_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,32}")
_KEY = re.compile(r"(HKLM|HKU)(\\[^\\/\r\n]+)+", re.IGNORECASE)
_SECTIONS = {"switch": {"at", "true", "false"}, "host": {"at"}, "port": {"at"}, "timeout": {"at"}, "access_code": {"at"}}


def load(path: Path) -> Profile:
    """The profile in this file. Raises ProfileError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProfileError([f"cannot be read: {error.strerror or error}"]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError([f"is not TOML: {error}"]) from error
    return parse(data, path.parent)


def parse(data: dict[str, Any], folder: Path = Path()) -> Profile:
    """The profile with these values. A relative `file` begins at `folder`. Raises ProfileError."""
    check = _Check(data)
    role: Role = "terminal" if check.one_of("role", ("server", "terminal")) == "terminal" or _seems_terminal(data) else "server"
    form = check.format()
    switch = Switch(check.selector("switch", form), check.words("true", form), check.words("false", form))
    port = check.selector("port", form)
    is_terminal = role == "terminal"
    host = check.selector("host", form) if is_terminal else None
    timeout = check.selector("timeout", form) if is_terminal and "timeout" in data else None
    code = check.selector("access_code", form) if "access_code" in data else None
    file, key = check.place(form)
    check.overlaps(switch, [port, host, timeout, code], form)
    touch, mistakes = restart.parse(data.get("restart") if is_terminal else None)
    check.errors += mistakes
    only_terminals = set() if is_terminal else {"host", "timeout", "restart"}
    check.unknown({"role", "format", "restart", "key" if form == "registry" else "file", *_SECTIONS} - only_terminals)
    if check.errors:
        raise ProfileError(check.errors)
    return Profile(role, form, switch, port, host, timeout, code, folder / file if file else None, key, touch)


def _seems_terminal(data: dict[str, Any]) -> bool:
    """Whether a profile with a wrong role has a terminal's fields: then these are not reported as wrong, too."""
    return data.get("role") != "server" and "host" in data


class _Check:
    """The fields of one profile. A wrong value is recorded and replaced by a harmless one, so that all mistakes are found."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data, self.errors = data, list[str]()

    def one_of(self, field: str, allowed: tuple[str, ...]) -> str:
        value = self.data.get(field)
        if value in allowed:
            return str(value)
        self._wrong(field, value, f"write {', '.join(allowed[:-1])} or {allowed[-1]}")
        return allowed[0]

    def format(self) -> Format:
        name = self.one_of("format", FORMATS)
        return next(form for form in FORMATS if form == name)

    def selector(self, section: str, form: Format) -> str:
        value = self._section(section).get("at")
        pattern, example = _SELECTORS[form]
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self._wrong(f"{section}.at", value, f"for {form} write {example}")
        return f"?{section}"

    def words(self, name: str, form: Format) -> tuple[Word, ...]:
        value = self._section("switch").get(name)
        words: list[Any] = value if isinstance(value, list) else [value]
        if words and all(_is_word(word, form) for word in words) and len({type(word) for word in words}) == 1:
            return tuple(words)
        kinds = {"json": "a text, a whole number, or true and false without quotes", "registry": "a text or a whole number"}
        kind = kinds.get(form, "a text")
        meaning = "HTTPS" if name == "true" else "HTTP"
        advice = f"write the word that means {meaning}, or a list of words of one type"
        self._wrong(f"switch.{name}", value, f"{advice}: {kind}, of letters, digits and _.+-")
        return ()

    def place(self, form: Format) -> tuple[str | None, str | None]:
        if form == "registry":
            key = self.data.get("key")
            if not (isinstance(key, str) and _KEY.fullmatch(key)):
                # The agent is a service: HKCU would be the service's own, not that of Touch.
                self._wrong("key", key, "write a key as regedit shows it, under HKLM or HKU, such as 'HKLM\\SOFTWARE\\Samford'")
            return None, str(key)
        file = self.data.get("file")
        if not (isinstance(file, str) and file.strip() and "\0" not in file):
            self._wrong("file", file, "write the settings file's path, in single quotes if it has backslashes")
        return str(file).replace("\0", ""), None

    def overlaps(self, switch: Switch, others: list[str | None], form: Format) -> None:
        for word in switch.off:
            if any(same_word(word, other) for other in switch.on):
                self.errors.append(f"switch.false: {word!r} also means true; write a word for one of them only")
        if switch.on and switch.off and type(switch.on[0]) is not type(switch.off[0]):
            self.errors.append("switch.false: is of another type than switch.true; write both with quotes, or both without")
        places = [_place(place, form) if place else None for place in (switch.at, *others)]
        for name, place in zip(("port", "host", "timeout", "access_code"), places[1:], strict=True):
            if place and places.count(place) > 1:
                self.errors.append(f"{name}.at: is the selector of another setting too; write where {name} stands")

    def unknown(self, known: set[str]) -> None:
        for field in sorted(set(self.data) - known):
            self.errors.append(f"{field}: is not a field of this profile; its fields are {', '.join(sorted(known))}")
        for section in sorted(known & set(_SECTIONS)):
            for field in sorted(set(self._section(section)) - _SECTIONS[section]):
                fields = ", ".join(sorted(_SECTIONS[section]))
                self.errors.append(f"{section}.{field}: is not a field of this profile; [{section}] has {fields}")

    def _section(self, name: str) -> dict[str, Any]:
        value = self.data.get(name, {})
        return value if isinstance(value, dict) else {}

    def _wrong(self, field: str, value: object, advice: str) -> None:
        problem = "is missing" if value is None else f"cannot be {value!r}"
        self.errors.append(f"{field}: {problem}; {advice}")


def _place(selector: str, form: Format) -> object:
    """A key that is equal for all selectors of the same setting."""
    if form == "xml" and re.fullmatch(xml_path.PATTERN, selector):
        return xml_path.parse(selector)
    return selector.lower() if form in ("ini", "registry") else selector


def _is_word(word: object, form: Format) -> bool:
    if isinstance(word, bool):
        return form == "json"
    if isinstance(word, int):
        return form in ("json", "registry") and 0 <= word < 2**31
    return isinstance(word, str) and _WORD.fullmatch(word) is not None
