"""One line of `check_certificate --batch`: a JSON object in, its answer out. docs/preflight.md lists the fields."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from fleet.preflight.certificate.assemble import File, Files, assemble
from fleet.preflight.certificate.check import Request, check
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding, Profile, Verdict
from fleet.preflight.certificate.hosts import Host, parse_address, parse_name
from fleet.preflight.certificate.path.paths import MOST_INTERMEDIATES


class BadRequest(ValueError):
    """The line cannot be used; the text names the field."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is a JSON object."""

    identifier: Any  # its `id`, of whatever type
    fields: dict[str, Any]


def answer(line: bytes, now: dt.datetime) -> dict[str, Any]:
    """The answer to one line. now: UTC; used where `validation_time` is null."""
    identifier = None
    try:
        parsed = parse_line(line)
        identifier = parsed.identifier
        return check(to_request(parsed.fields, now)).as_answer(identifier)
    except BadRequest as error:
        return refusal(Code.BAD_REQUEST, str(error), identifier)


def refusal(code: Code, message: str, identifier: Any = None) -> dict[str, Any]:
    """The answer to a line that was not checked."""
    return Verdict((CertificateFinding(code, message),)).as_answer(identifier)


def parse_line(line: bytes) -> Line:
    """The line as an object. Raises BadRequest when it is not a JSON object."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the line is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadRequest("the line is not a JSON object")
    return Line(fields.get("id"), fields)


def to_request(fields: dict[str, Any], now: dt.datetime) -> Request:
    """The Request of one line. Raises BadRequest, which names the field."""
    key = fields.get("peer_certificate_key")
    depth = fields.get("max_chain_depth")
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 0):
        raise BadRequest("max_chain_depth: a whole number of intermediates, or null")
    files = Files(
        leaf=_file("peer_certificate", fields.get("peer_certificate")),
        chain=_list("untrusted_intermediates", fields.get("untrusted_intermediates", [])),
        roots=_list("trusted_certs", fields.get("trusted_certs")),
        key=None if key is None else _file("peer_certificate_key", key),
    )
    return assemble(
        files,
        _hosts(fields.get("expected_peer_name")),
        (_moment(fields.get("validation_time"), now),),
        _profile(fields.get("profile")),
        MOST_INTERMEDIATES if depth is None else depth,
    )


def moment_of(text: str) -> dt.datetime:
    """An ISO 8601 time, converted to UTC; a time without an offset is read as UTC. Raises ValueError."""
    moment = dt.datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{text} lies outside the calendar") from error


def _file(field: str, value: Any) -> File:
    if not isinstance(value, str):
        raise BadRequest(f"{field}: PEM text is needed")
    return File(field, value.encode("utf-8", errors="replace"))


def _list(field: str, value: Any) -> list[File]:
    if not isinstance(value, list):
        raise BadRequest(f"{field}: a list of PEM texts is needed")
    return [_file(f"{field}[{place}]", entry) for place, entry in enumerate(value)]


def _hosts(value: Any) -> tuple[Host, ...]:
    if value is None:
        return ()
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        raise BadRequest('expected_peer_name: {"kind", "value"} is needed, or null')
    kinds = {"DNS": parse_name, "IP": parse_address}
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise BadRequest("expected_peer_name.kind: DNS or IP")
    return (kinds[kind](value["value"]),)


def _moment(value: Any, now: dt.datetime) -> dt.datetime:
    if value is None:
        return now
    try:
        return moment_of(value)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"validation_time: {error}") from error


def _profile(value: Any) -> Profile:
    try:
        return Profile.TERMINALS if value is None else Profile(value)
    except ValueError as error:
        raise BadRequest("profile: terminals or strict") from error
