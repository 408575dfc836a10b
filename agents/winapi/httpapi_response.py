"""A response in the structures of http.sys. They point at bytes, which must live as long as the structures."""

from ctypes import addressof, create_string_buffer
from typing import Any

from agents.winapi import httpapi_types as api
from agents.winapi.httpapi_request import Headers

_PLACES = {name.lower(): place for place, name in enumerate(api.RESPONSE_HEADERS)}


class Response:
    """response: the structure to send, valid as long as this object lives. Raises ValueError naming what is too long:
    http.sys's lengths have 16 bits."""

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        self._held: list[Any] = []
        self.response = response = api.HTTP_RESPONSE()
        response.Version = api.HTTP_VERSION(1, 1)
        response.StatusCode = _short("status", status)
        response.pReason, response.ReasonLength = self._bytes("reason", reason)
        self._head(headers)
        if body:
            response.EntityChunkCount = 1
            response.pEntityChunks = self._chunk(body)

    def _head(self, headers: Headers) -> None:
        """http.sys has one field for each known header. Unknown headers, and second values, go into a list."""
        known, others = self.response.Headers.KnownHeaders, []
        for name, value in headers:
            place = _PLACES.get(name.lower())
            if place is not None and not known[place].pRawValue:
                known[place].pRawValue, known[place].RawValueLength = self._bytes(name, value)
            else:
                others.append((name, value))
        if others:
            self.response.Headers.UnknownHeaderCount = _short("headers", len(others))
            self.response.Headers.pUnknownHeaders = self._unknown(others)

    def _unknown(self, headers: list[tuple[str, str]]) -> int:
        rows = (api.HTTP_UNKNOWN_HEADER * len(headers))()
        self._held.append(rows)
        for row, (name, value) in zip(rows, headers, strict=True):
            row.pName, row.NameLength = self._bytes("name", name)
            row.pRawValue, row.RawValueLength = self._bytes(name, value)
        return addressof(rows)

    def _chunk(self, body: bytes) -> int:
        held = create_string_buffer(body, len(body))
        chunk = api.HTTP_DATA_CHUNK()
        chunk.From.FromMemory.pBuffer, chunk.From.FromMemory.BufferLength = addressof(held), len(body)
        self._held += [held, chunk]
        return addressof(chunk)

    def _bytes(self, what: str, text: str) -> tuple[int, int]:
        data = text.encode("latin-1")
        held = create_string_buffer(data)
        self._held.append(held)
        return addressof(held), _short(what, len(data))


def _short(what: str, number: int) -> int:
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"{what}: {number} does not fit into 16 bits")
    return number
