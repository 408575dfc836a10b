"""Reads a request that http.sys has written into a buffer. In texts, each character is one byte from the wire (Latin-1)."""

from ctypes import sizeof, string_at
from dataclasses import dataclass
from typing import Any

from agents.winapi import httpapi_types as api

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    id: int  # http.sys's number of the request
    connection: int  # http.sys's number of the connection
    url: int  # index of the listener's prefix
    verb: str
    target: str  # as on the wire
    headers: Headers
    body: bytes | None = b""  # None if it was larger than MAX_BODY_BYTES


def read(buffer: Any) -> tuple[Request, bool]:
    """The request at the beginning of this ctypes buffer, and whether it has a body that is still to be read. The buffer
    must not be changed meanwhile."""
    request = api.HTTP_REQUEST.from_buffer(buffer)
    found = Request(
        id=request.RequestId,
        connection=request.ConnectionId,
        url=request.UrlContext,
        verb=_verb(request),
        target=_text(request.pRawUrl, request.RawUrlLength),
        headers=(*_known(request.Headers), *_unknown(request.Headers)),
    )
    return found, bool(request.Flags & api.MORE_ENTITY_BODY_EXISTS)


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
