"""httpapi.dll as a Python object: the same functions, numbers and structures, with what has been called, in order. What
comes in is put there by feed(); what goes out is in `answers`."""

import ctypes
import queue
from ctypes import addressof, create_string_buffer, sizeof, string_at
from typing import Any

from agents.winapi import httpapi_types as api

HANDLE = 0x77


class FakeDll:
    """fail: function -> the number that it returns from now on; ended: with what calls that wait end at the shutdown."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.urls: dict[int, str] = {}
        self.answers: list[tuple[Any, ...]] = []
        self.fail: dict[str, int] = {}
        self.ended = api.OPERATION_ABORTED
        self._coming: queue.Queue[Any] = queue.Queue()
        self._waiting: dict[int, dict[str, Any]] = {}
        self._bodies: dict[int, list[bytes | int]] = {}
        self._held: dict[int, list[Any]] = {}

    def feed(self, number: int, *, body: tuple[bytes | int, ...] = (), gone: int = 0, **request: Any) -> None:
        """One more request. body: its parts, or a number to fail with; gone: what asking for it a second time fails with."""
        self._bodies[number] = list(body)
        self._coming.put({"id": number, "gone": gone, **request})

    def fail_receiving(self, number: int) -> None:
        """The next call fails so."""
        self._coming.put(number)

    # --- the functions -----------------------------------------------------------------------------------

    def HttpInitialize(self, version: api.HTTPAPI_VERSION, flags: int, reserved: None) -> int:
        assert (version.HttpApiMajorVersion, version.HttpApiMinorVersion, flags, reserved) == (2, 0, 1, None)
        return self._did("HttpInitialize")

    def HttpTerminate(self, flags: int, reserved: None) -> int:
        assert (flags, reserved) == (1, None)
        return self._did("HttpTerminate")

    def HttpCreateRequestQueue(self, version: Any, name: None, security: None, flags: int, handle: Any) -> int:
        assert (name, security, flags) == (None, None, 0)
        handle._obj.value = HANDLE
        return self._did("HttpCreateRequestQueue")

    def HttpCreateServerSession(self, version: Any, session: Any, reserved: int) -> int:
        session._obj.value = 5
        return self._did("HttpCreateServerSession")

    def HttpCreateUrlGroup(self, session: int, group: Any, reserved: int) -> int:
        assert session == 5
        group._obj.value = 100 + len(self.urls)
        return self._did("HttpCreateUrlGroup")

    def HttpSetUrlGroupProperty(self, group: int, prop: int, info: Any, size: int) -> int:
        assert (prop, size) == (7, sizeof(api.HTTP_BINDING_INFO))
        assert (info._obj.Flags, info._obj.RequestQueueHandle) == (1, HANDLE)
        return self._did("HttpSetUrlGroupProperty")

    def HttpAddUrlToUrlGroup(self, group: int, url: str, context: int, reserved: int) -> int:
        number = self._did("HttpAddUrlToUrlGroup")
        if number == api.NO_ERROR:
            self.urls[context] = url
        return number

    def HttpShutdownRequestQueue(self, handle: Any) -> int:
        assert handle.value == HANDLE
        for _ in range(64):
            self._coming.put(self.ended)
        return self._did("HttpShutdownRequestQueue")

    def HttpCloseUrlGroup(self, group: int) -> int:
        return self._did("HttpCloseUrlGroup")

    def HttpCloseServerSession(self, session: int) -> int:
        return self._did("HttpCloseServerSession")

    def HttpCloseRequestQueue(self, handle: Any) -> int:
        return self._did("HttpCloseRequestQueue")

    def HttpReceiveHttpRequest(
        self, handle: Any, wanted: int, flags: int, buffer: Any, size: int, length: Any, overlapped: None
    ) -> int:
        assert (handle.value, flags, overlapped, size) == (HANDLE, 0, None, len(buffer))
        item = self._waiting.pop(wanted) if wanted else self._coming.get(timeout=20)
        if isinstance(item, int):
            return item
        if wanted and item["gone"]:
            return int(item["gone"])
        needed = length._obj.value = sizeof(api.HTTP_REQUEST) + item.get("room", 0)
        request = api.HTTP_REQUEST.from_buffer(buffer)
        request.RequestId = item["id"]
        if needed > size:
            self._waiting[item["id"]] = item
            return api.MORE_DATA
        self._write(request, item)
        return api.NO_ERROR

    def HttpReceiveRequestEntityBody(
        self, handle: Any, number: int, flags: int, buffer: Any, size: int, length: Any, overlapped: None
    ) -> int:
        parts = self._bodies[number]
        part = parts.pop(0) if parts else api.HANDLE_EOF
        if isinstance(part, int):
            return part
        buffer[: len(part)], length._obj.value = part, len(part)
        return api.NO_ERROR

    def HttpSendHttpResponse(self, handle: Any, number: int, flags: int, response: Any, *rest: Any) -> int:
        assert rest[0] is rest[2] is rest[4] is rest[5] is None
        made = response._obj
        known = zip(api.RESPONSE_HEADERS, made.Headers.KnownHeaders, strict=True)
        headers = [(name, string_at(row.pRawValue, row.RawValueLength).decode()) for name, row in known if row.pRawValue]
        rows = (api.HTTP_UNKNOWN_HEADER * made.Headers.UnknownHeaderCount).from_address(made.Headers.pUnknownHeaders or 1)
        headers += [
            (string_at(row.pName, row.NameLength).decode(), string_at(row.pRawValue, row.RawValueLength).decode())
            for row in rows
        ]
        body = b""
        if made.EntityChunkCount:
            chunk = api.HTTP_DATA_CHUNK.from_address(made.pEntityChunks)
            assert chunk.DataChunkType == 0
            body = string_at(chunk.From.FromMemory.pBuffer, chunk.From.FromMemory.BufferLength)
        reason = string_at(made.pReason, made.ReasonLength).decode()
        self.answers.append((number, flags, made.StatusCode, reason, headers, body))
        return self.fail.get("HttpSendHttpResponse", api.NO_ERROR)

    # --- helpers -----------------------------------------------------------------------------------------

    def _did(self, name: str) -> int:
        self.calls.append(name)
        return self.fail.get(name, api.NO_ERROR)

    def _write(self, request: api.HTTP_REQUEST, item: dict[str, Any]) -> None:
        held = self._held[item["id"]] = []

        def put(text: bytes) -> int:
            held.append(create_string_buffer(text + b"!"))  # no text of http.sys's ends where its length does not say so
            return addressof(held[-1])

        request.Flags = 1 if self._bodies[item["id"]] else 0
        request.ConnectionId, request.UrlContext = item.get("connection", 9), item.get("url", 0)
        verb, target = item.get("verb", b"GET"), item.get("target", b"/")
        known = verb.decode() in api.VERBS
        request.Verb = api.FIRST_VERB + api.VERBS.index(verb.decode()) if known else 1
        if not known:
            request.pUnknownVerb, request.UnknownVerbLength = put(verb), len(verb)
        request.pRawUrl, request.RawUrlLength = put(target), len(target)
        others = []
        for name, value in item.get("headers", ()):
            if name in api.REQUEST_HEADERS:
                row = request.Headers.KnownHeaders[api.REQUEST_HEADERS.index(name)]
                row.pRawValue, row.RawValueLength = put(value), len(value)
            else:
                others.append((name.encode(), value))
        rows = (api.HTTP_UNKNOWN_HEADER * len(others))()
        held.append(rows)
        for row, (name, value) in zip(rows, others, strict=True):
            row.pName, row.NameLength, row.pRawValue, row.RawValueLength = put(name), len(name), put(value), len(value)
        request.Headers.UnknownHeaderCount, request.Headers.pUnknownHeaders = len(others), ctypes.addressof(rows)
