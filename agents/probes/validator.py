"""Reading a probe profile's TOML. Every mistake is told, each with its field and what would be right."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.probes import grammar
from agents.probes.pattern import PatternError, compile_pattern
from agents.probes.profile import MAX_BYTES, Expectation, JsonValue, Probe, ProbeError, ProbeProfile

_SECTIONS = ("interfaces", "member")
_FIELDS = {"method", "path", "headers", "body", "expect"}
_EXPECT = {"status", "type", "contains", "matches", "json"}
_JSON = {"path", "value"}
MAX_TEXT = 500  # characters of `contains`, and of a value or a path in `json`
MAX_DEPTH = 16  # steps of a path in `json`


@dataclass(frozen=True, slots=True)
class Checked:
    """A profile that is usable."""

    profile: ProbeProfile
    warnings: tuple[str, ...]
    """What a person should look at before it is used, one sentence each."""


def load(path: Path) -> Checked:
    """The profile in this file. Raises ProbeError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProbeError([f"cannot be read: {error.strerror or error}"]) from error
    return parse(data)


def parse(data: bytes) -> Checked:
    """The profile that this TOML says. Raises ProbeError."""
    if len(data) > MAX_BYTES:
        raise ProbeError([f"is larger than {MAX_BYTES} bytes"])
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProbeError([f"is not TOML in UTF-8: {error}"]) from error
    except RecursionError as error:
        raise ProbeError(["is nested too deep"]) from error
    return _Check(document).result()


class _Check:
    """Notes what is wrong and replaces it by something harmless, to find the rest too."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._errors: list[str] = []
        self._warnings: list[str] = []

    def result(self) -> Checked:
        self._unknown("", self._document, set(_SECTIONS))
        interfaces, member = (self._probe(name) for name in _SECTIONS)
        if not self._errors:
            self._hints(interfaces, member)
        if self._errors:
            raise ProbeError(self._errors)
        return Checked(ProbeProfile(interfaces, member), tuple(self._warnings))

    def _probe(self, name: str) -> Probe:
        section = self._table(name, self._document.get(name))
        self._unknown(f"{name}.", section, _FIELDS)
        body = section.get("body", "")
        self._note(f"{name}.method", grammar.method_error(section.get("method")))
        self._note(f"{name}.path", grammar.path_error(section.get("path")))
        self._note(f"{name}.body", grammar.body_error(body))
        if body and section.get("method") in grammar.READS:
            self._errors.append(f"{name}.body: a {section['method']} has no body; leave it out, or write POST")
        headers = self._headers(f"{name}.headers", section.get("headers", {}))
        expect = self._expect(f"{name}.expect", section.get("expect"))
        return Probe(str(section.get("method")), str(section.get("path")), headers, str(body), expect)

    def _headers(self, field: str, value: Any) -> tuple[tuple[str, str], ...]:
        section = self._table(field, value)
        if len(section) > grammar.MAX_HEADERS:
            self._errors.append(f"{field}: has {len(section)} headers; write at most {grammar.MAX_HEADERS}")
        for name, text in section.items():
            self._note(f"{field}.{name[: grammar.MAX_HEADER_NAME]}", grammar.header_name_error(name))
            self._note(f"{field}.{name[: grammar.MAX_HEADER_NAME]}", grammar.header_value_error(text))
        if len({name.lower() for name in section}) < len(section):
            self._errors.append(f"{field}: a name stands twice, in small and in capital letters; write it once")
        return tuple((name, str(text)) for name, text in section.items())

    def _expect(self, field: str, value: Any) -> Expectation:
        section = self._table(field, value)
        self._unknown(f"{field}.", section, _EXPECT)
        status = section.get("status")
        if type(status) is not int or not 200 <= status <= 599:
            self._errors.append(f"{field}.status: write the status of a good response, a number from 200 to 599")
        if "type" in section:
            self._note(f"{field}.type", grammar.type_error(section["type"]))
        if "contains" in section:
            self._text(f"{field}.contains", section["contains"])
        if "matches" in section:
            self._pattern(f"{field}.matches", section["matches"])
        json_value = self._json(f"{field}.json", section["json"]) if "json" in section else None
        return Expectation(
            status if type(status) is int else 0,
            section.get("type"),
            section.get("contains"),
            section.get("matches"),
            json_value,
        )

    def _json(self, field: str, value: Any) -> JsonValue:
        section = self._table(field, value)
        self._unknown(f"{field}.", section, _JSON)
        self._text(f"{field}.path", section.get("path"))
        found = section.get("value")
        if isinstance(found, bool):
            found = str(found).lower()
        elif isinstance(found, int):
            found = str(found)
        self._text(f"{field}.value", found)
        path = tuple(str(section.get("path")).split("."))
        if len(path) > MAX_DEPTH:
            self._errors.append(f"{field}.path: has {len(path)} steps; write at most {MAX_DEPTH}")
        return JsonValue(path, str(found))

    def _text(self, field: str, value: Any) -> None:
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or grammar.body_error(value):
            self._errors.append(f"{field}: write a text of 1 to {MAX_TEXT} characters")

    def _pattern(self, field: str, value: Any) -> None:
        try:
            compile_pattern(value if isinstance(value, str) else "")
        except PatternError as error:
            self._errors.append(f"{field}: {error}")

    def _hints(self, interfaces: Probe, member: Probe) -> None:
        for name, probe in (("interfaces", interfaces), ("member", member)):
            if probe.method not in grammar.READS | {"POST"}:
                self._warnings.append(
                    f"{name}.method: {probe.method} usually changes something; make sure that this one only reads"
                )
            if probe.method == "POST":
                self._warnings.append(f"{name}.method: POST may change something; make sure that this request only reads")
            if probe.expect == Expectation(probe.expect.status):
                self._warnings.append(
                    f"{name}.expect: looks at the status alone; add type or contains, or another program passes"
                )
        if "{member}" not in "".join(member.texts):
            self._warnings.append("member: asks for no {member}, so the site's test member number is not used")

    def _table(self, field: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._errors.append(f"{field}: is missing; write the table [{field}]" if value is None else f"{field}: is no table")
        return {}

    def _unknown(self, prefix: str, section: dict[str, Any], known: set[str]) -> None:
        for name in sorted(set(section) - known):
            self._errors.append(f"{prefix}{name[:100]}: is no field here; the fields are {', '.join(sorted(known))}")

    def _note(self, field: str, error: str | None) -> None:
        if error:
            self._errors.append(f"{field}: {error}")
