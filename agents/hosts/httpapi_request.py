"""What http.sys wrote into a buffer, as plain Python values. Texts are bytes of the wire: one character each."""

from ctypes import sizeof, string_at
from dataclasses import dataclass
from typing import Any

from agents.hosts import httpapi_types as api

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. url: the number that its prefix was added with; more: there is a body to be read."""

    id: int
    connection: int
    url: int
    verb: str
    target: str
    headers: Headers
    more: bool


def read(buffer: Any) -> Head:
    """The request that stands at the beginning of this ctypes buffer; the buffer must not be written meanwhile."""
    request = api.HTTP_REQUEST.from_buffer(buffer)
    return Head(
        id=request.RequestId,
        connection=request.ConnectionId,
        url=request.UrlContext,
        verb=_verb(request),
        target=_text(request.pRawUrl, request.RawUrlLength),
        headers=(*_known(request.Headers), *_unknown(request.Headers)),
        more=bool(request.Flags & api.MORE_ENTITY_BODY_EXISTS),
    )


def _verb(request: Any) -> str:
    place = request.Verb - api.FIRST_VERB
    if 0 <= place < len(api.VERBS):
        return api.VERBS[place]
    return _text(request.pUnknownVerb, request.UnknownVerbLength)


def _known(headers: Any) -> list[tuple[str, str]]:
    rows = zip(api.REQUEST_HEADERS, headers.KnownHeaders, strict=True)
    return [(name, _text(row.pRawValue, row.RawValueLength)) for name, row in rows if row.pRawValue]


def _unknown(headers: Any) -> list[tuple[str, str]]:
    place, size = headers.pUnknownHeaders, sizeof(api.HTTP_UNKNOWN_HEADER)
    rows = [api.HTTP_UNKNOWN_HEADER.from_address(place + number * size) for number in range(headers.UnknownHeaderCount)]
    return [(_text(row.pName, row.NameLength), _text(row.pRawValue, row.RawValueLength)) for row in rows]


def _text(place: int | None, length: int) -> str:
    return string_at(place, length).decode("latin-1") if place else ""
