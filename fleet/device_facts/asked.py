"""What agents answer to a person's inquiries (agents/probes/inquiry.py). As in facts.py the content is the devices' own:
bounded here, believed nowhere. None: the device did not tell it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from agents.probes.inquiry import MAX_PROBES
from agents.probes.profile import MAX_BYTES
from agents.protocol import Finding
from fleet.device_facts.lenient import flag, mapping, number, rows, text, texts, whole
from fleet.device_facts.parse import parse_finding

_MOST_REQUESTS, _MOST_EXCHANGES, _MOST_SENTENCES, _MOST_FOUND = 4, 30, 40, 40
_LATEST_MS = 7_258_118_400_000  # the year 2200
_MAX_WORDS = 600  # characters of a reason
State = Literal["in_use", "new", "fixed", "told"]


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One request that a device made, and its response without its content."""

    section: str
    finding: Finding | None  # why there was no response
    status: int | None
    type: str | None
    size: int | None
    sha256: str | None
    matched: bool  # the response was as expected
    missed: str | None  # the expectation that was not met
    by_http_sys: bool | None  # Windows answered by itself, without the service
    tls: str | None
    ms: float | None

    @property
    def good(self) -> bool:
        """Whether a proof would count this as a good response."""
        return self.finding is None and self.matched and self.by_http_sys is not True


@dataclass(frozen=True, slots=True)
class AskedFacts:
    """The requests of one probe profile."""

    proof: str | None
    scheme: str | None
    requests: tuple[RequestFacts, ...]

    @property
    def good(self) -> bool:
        """Whether all of them had a good response."""
        return bool(self.requests) and all(request.good for request in self.requests)


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """One request that a terminal made while its agent or the server's listened."""

    method: str
    target: str
    status: int | None
    type: str
    size: int | None


@dataclass(frozen=True, slots=True)
class ProposalFacts:
    """What was learnt. text is TOML as the agent wrote it: validate it before it is used."""

    text: str
    reasons: tuple[tuple[str, str], ...]  # (section, sentence)
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A recording so far."""

    addresses: tuple[str, ...]  # of the device that listens
    port: int | None  # None: it does not listen yet
    ends_at: dt.datetime | None
    seen: int  # requests in all
    unreachable: int  # how often the server could not be reached
    left: bool  # at the end the terminal's settings still named the port of the recording
    exchanges: tuple[ExchangeFacts, ...]  # the newest, oldest first
    proposal: ProposalFacts | None  # None while it goes on


@dataclass(frozen=True, slots=True)
class FoundFacts:
    """One thing that was found on a device."""

    field: str
    value: str
    reason: str
    state: State


def parse_checked(raw: Any) -> tuple[AskedFacts, ...]:
    """The answer to a check, one value for each profile."""
    return tuple(_asked(told) for told in rows(mapping(raw).get("asked"), MAX_PROBES) or ())


def parse_recorded(raw: Any) -> RecordFacts:
    """The answer to a recording."""
    told = mapping(raw)
    ends_ms = whole(told.get("ends_ms"), 0, _LATEST_MS)
    proposal = mapping(told.get("proposal"))
    return RecordFacts(
        addresses=texts(told.get("addresses"), 8, 64) or (),
        port=whole(told.get("port"), 1, 65535),
        ends_at=None if ends_ms is None else dt.datetime.fromtimestamp(ends_ms / 1000, dt.UTC),
        seen=whole(told.get("count"), 0) or 0,
        unreachable=whole(told.get("unreachable"), 0) or 0,
        left=flag(told.get("left")) or False,
        exchanges=tuple(_exchange(row) for row in rows(told.get("exchanges"), _MOST_EXCHANGES) or ()),
        proposal=_proposal(proposal) if proposal else None,
    )


def parse_found(raw: Any) -> tuple[FoundFacts, ...]:
    """The answer to a search. What has no field or value is left out."""
    found = []
    for told in rows(mapping(raw).get("found"), _MOST_FOUND) or ():
        field, value, state = text(told.get("field"), 40), text(told.get("value"), 1000), told.get("state")
        # A value that had to be changed to be shown is not the agent's value any more, so it cannot be confirmed.
        if field and value and value == told.get("value") and state in get_args(State):
            found.append(FoundFacts(field, value, text(told.get("reason"), _MAX_WORDS) or "", cast(State, state)))
    return tuple(found)


def _asked(told: Mapping[str, Any]) -> AskedFacts:
    requests = tuple(_request(row) for row in rows(told.get("requests"), _MOST_REQUESTS) or ())
    return AskedFacts(text(told.get("proof"), 20), text(told.get("scheme"), 10), requests)


def _request(told: Mapping[str, Any]) -> RequestFacts:
    return RequestFacts(
        section=text(told.get("section"), 20) or "",
        finding=parse_finding(told.get("error")),
        status=whole(told.get("status"), 100, 999),
        type=text(told.get("type"), 100),
        size=whole(told.get("size"), 0),
        sha256=text(told.get("sha256"), 64),
        matched=flag(told.get("matched")) or False,
        missed=text(told.get("missed"), 20),
        by_http_sys=flag(told.get("by_http_sys")),
        tls=text(told.get("tls"), 16),
        ms=number(told.get("ms")),
    )


def _exchange(told: Mapping[str, Any]) -> ExchangeFacts:
    return ExchangeFacts(
        text(told.get("method"), 20) or "?",
        text(told.get("target"), 200) or "?",
        whole(told.get("status"), 100, 999),
        text(told.get("type"), 100) or "",
        whole(told.get("size"), 0),
    )


def _proposal(told: Mapping[str, Any]) -> ProposalFacts:
    toml = told.get("text")
    reasons = rows(told.get("reasons"), _MOST_SENTENCES) or ()
    return ProposalFacts(
        toml if isinstance(toml, str) and len(toml) <= MAX_BYTES else "",
        tuple((text(row.get("section"), 20) or "", text(row.get("reason"), _MAX_WORDS) or "") for row in reasons),
        texts(told.get("missing"), _MOST_SENTENCES, _MAX_WORDS) or (),
    )
