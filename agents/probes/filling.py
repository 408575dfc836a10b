"""A probe and its values -> the request that is sent. A value is escaped for the place where it stands, so that it stays a
value: a member number can become no second header, no other path and no element of its own."""

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from agents.probes.grammar import PLACEHOLDER, header_value_error
from agents.probes.profile import Probe, ProbeError, Values

MAX_VALUE = 200  # characters
# Those in which Windows programs write XML; the BOM of UTF-16 is written by Python's codec.
_CHARSETS = {"utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1", "windows-1252": "cp1252", "utf-16": "utf-16"}
_XML = re.compile(r"[/+]xml$")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the connection; the client adds Host, Content-Length and Connection."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def fill(probe: Probe, values: Values) -> Request:
    """The request with these values. Raises ProbeError where a value is missing or cannot stand in its place."""
    errors: list[str] = []
    given = _checked(probe, values, errors)
    in_header = {name: _ascii(value) for name, value in given.items()}
    headers = tuple((name, _replaced(value, in_header)) for name, value in probe.headers)
    for name, value in headers:
        if wrong := header_value_error(value):
            errors.append(f"headers.{name}: {wrong}")
    if errors:
        raise ProbeError(errors)
    media_type, charset = content_type(headers)
    quoted = {name: _quoted(value, media_type) for name, value in given.items()}
    try:
        body = _replaced(probe.body, quoted).encode(_CHARSETS.get(charset, "utf-8")) if probe.body else b""
    except UnicodeEncodeError as error:
        raise ProbeError([f"body: {error.object[error.start]!r} cannot be written in {charset}"]) from error
    target = _replaced(probe.path, {name: quote(value, safe="") for name, value in given.items()})
    return Request(probe.method, target, headers, body)


def content_type(headers: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """Media type in lower case and charset ("utf-8" where none is named) that these headers declare."""
    text = next((value for name, value in headers if name.lower() == "content-type"), "")
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    charset = next((part[8:].strip('"') for part in parameters if part.startswith("charset=")), "utf-8")
    return media_type, charset


def _checked(probe: Probe, values: Values, errors: list[str]) -> dict[str, str]:
    """The values of the placeholders that this probe uses; what is wrong with them goes to `errors`."""
    given = {}
    for name in sorted({match for text in probe.texts for match in PLACEHOLDER.findall(text)}):
        value: str = getattr(values, name)
        if not value:
            errors.append(f"{name}: the probe asks for it, and nothing on this device says it")
        elif len(value) > MAX_VALUE or _NO_XML.search(value):
            errors.append(f"{name}: has more than {MAX_VALUE} characters, or one that no document can hold")
        given[name] = value
    return given


def _replaced(text: str, given: dict[str, str]) -> str:
    """The placeholders replaced in one pass: a value that looks like a placeholder stays as it is."""
    return PLACEHOLDER.sub(lambda match: given[match[1]], text)


def _ascii(value: str) -> str:
    """A value as it may stand in a header, which can hold ASCII only: other characters are percent-encoded."""
    return "".join(character if character.isascii() else quote(character) for character in value)


def _quoted(value: str, media_type: str) -> str:
    """A value as it may stand in a body of this type."""
    if _XML.search(media_type):
        return escape(value, {'"': "&quot;", "'": "&apos;"})
    if media_type == "application/json" or media_type.endswith("+json"):
        return json.dumps(value)[1:-1]
    if media_type == "application/x-www-form-urlencoded":
        return quote_plus(value)
    return value
