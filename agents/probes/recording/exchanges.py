"""Requests and responses, read from copies of the bytes that one connection carried. Whatever is not HTTP, or is too large to
be kept, is passed over: the bytes themselves have gone their way already."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import h11

MAX_KEPT = 256 * 1024  # bytes of a body; of a larger one nothing is kept
MAX_WAITING = 1024 * 1024  # bytes that are not understood yet; with more the connection is no longer read


@dataclass(frozen=True, slots=True)
class Recorded:
    """One half of an exchange, decoded: no chunks, no gzip."""

    head: tuple[str, ...]
    """Method and target, or the status as text."""
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    """None: too large, or in an encoding that is not known."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response."""

    connection: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes | None


class Transcript:
    """What one connection carried, as far as it is HTTP. found(exchange) is called for each exchange that is complete."""

    def __init__(self, connection: int, found: Callable[[Exchange], None]) -> None:
        self._connection, self._found = connection, found
        self._requests = _Half(h11.SERVER)
        self._responses = _Half(h11.CLIENT)
        self._asked: list[Recorded] = []

    def asked(self, data: bytes) -> None:
        """Bytes from the terminal, b"" at their end."""
        for request in self._requests.feed(data or None, lambda: None):
            self._asked.append(request)
        self._pair(b"")

    def answered(self, data: bytes) -> None:
        """Bytes from the server, b"" at their end."""
        self._pair(data)
        if not data:
            self._pair(None)

    def _pair(self, data: bytes | None) -> None:
        for response in self._responses.feed(data, self._next):
            request = self._asked.pop(0)
            self._found(
                Exchange(
                    self._connection,
                    request.head[0],
                    request.head[1],
                    request.headers,
                    request.body,
                    int(response.head[0]),
                    response.headers,
                    response.body,
                )
            )

    def _next(self) -> Recorded | None:
        """The request that the next response belongs to."""
        return self._asked[0] if self._asked else None


class _Half:
    """One direction. h11 knows one message at a time, so each gets a reader of its own."""

    def __init__(self, role: Any) -> None:
        self._role = role
        self._waiting = b""
        self._message: _Message | None = None
        self._broken = False

    def feed(self, data: bytes | None, belongs_to: Callable[[], Recorded | None]) -> Iterator[Recorded]:
        """The messages that are complete with these bytes; None: no more will come. belongs_to() is asked before each of
        them, so that the caller can go on to the next request in between."""
        if self._broken:
            return
        self._waiting += data or b""
        try:
            while (self._waiting or data is None) and (one := self._one(belongs_to, ended=data is None)):
                yield one
        except (h11.ProtocolError, ValueError):
            self._broken = True
        if len(self._waiting) > MAX_WAITING:
            self._broken, self._waiting = True, b""

    def _one(self, belongs_to: Callable[[], Recorded | None], *, ended: bool) -> Recorded | None:
        if self._message is None:
            request = belongs_to()
            if self._role is h11.CLIENT and request is None:
                return None  # a response before its request waits
            self._message = _Message(self._role, request)
        recorded = self._message.read(self._waiting, ended=ended)
        self._waiting = b""
        if recorded:
            self._waiting, self._message = self._message.left, None
        return recorded


class _Message:
    """One message as its bytes come in."""

    def __init__(self, role: Any, request: Recorded | None) -> None:
        self._reader = h11.Connection(role, max_incomplete_event_size=64 * 1024)
        if request is not None:
            _as_if_sent(self._reader, request)
        self._head: tuple[str, ...] = ()
        self._headers: tuple[tuple[str, str], ...] = ()
        self._body = bytearray()
        self._large = False
        self.left = b""
        """Bytes behind the message, when it is complete."""

    def read(self, data: bytes, *, ended: bool) -> Recorded | None:
        """The message, if it is complete with these bytes. Raises h11.ProtocolError."""
        if data:
            self._reader.receive_data(data)
        if ended:
            self._reader.receive_data(b"")
        while True:
            event: Any = self._reader.next_event()
            if isinstance(event, h11.Request):
                self._head = (event.method.decode(), event.target.decode("latin-1"))
                self._headers = _headers(event)
            elif isinstance(event, h11.Response):
                self._head, self._headers = (str(event.status_code),), _headers(event)
            elif isinstance(event, h11.Data):
                self._keep(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.left = self._reader.trailing_data[0]
                return Recorded(self._head, self._headers, None if self._large else _decoded(bytes(self._body), self._headers))
            elif not isinstance(event, h11.InformationalResponse):
                return None  # more bytes are needed, or the connection is something else from here on

    def _keep(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_KEPT:
            self._large = True
            self._body.clear()


def _as_if_sent(reader: h11.Connection, request: Recorded) -> None:
    """h11 reads a response only when it knows the request: a HEAD has a response without a body."""
    reader.send(h11.Request(method=request.head[0], target="/", headers=[("Host", "recorded")]))
    reader.send(h11.EndOfMessage())


def _headers(event: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())


def _decoded(body: bytes, headers: tuple[tuple[str, str], ...]) -> bytes | None:
    encoding = next((value.strip().lower() for name, value in headers if name.lower() == "content-encoding"), "")
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        reader = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it is
        plain = reader.decompress(body, MAX_KEPT)
    except zlib.error:
        return None
    return plain if reader.eof else None
