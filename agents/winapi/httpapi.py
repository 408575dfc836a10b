"""Serves HTTP through Windows' http.sys, as NetPOS.Net does, with the HTTP Server API 2.0 (httpapi.dll). The driver does TLS,
certificates and keep-alive; this module gets requests and sends responses.

Every call here blocks, so call it in a thread."""

from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, c_char, c_uint32, c_uint64, c_void_p, c_wchar_p, sizeof
from dataclasses import replace
from typing import Any

from agents.bounds import MAX_BODY_BYTES
from agents.winapi import dll, httpapi_request, httpapi_response
from agents.winapi import httpapi_types as api
from agents.winapi.httpapi_request import Headers, Request

FIRST_BYTES = 4096
_VERSION_2 = api.HTTPAPI_VERSION(2, 0)
# Error numbers: the client has closed its connection or cancelled its request; this process has closed the queue.
_GONE = frozenset((api.CONNECTION_INVALID, api.NETNAME_DELETED, api.CONNECTION_ABORTED))
_ENDED = frozenset((api.OPERATION_ABORTED, api.INVALID_HANDLE))


class HttpApiError(Exception):
    """call: the function that failed; number: Windows' error number."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(f"{call} failed with error {number}")
        self.call, self.number = call, number


class Ended(Exception):
    """The listener was shut: there are no more requests."""


class Listener:
    """A request queue for some URL prefixes, such as "https://+:50001/". Windows removes the prefixes when the process ends, in
    whatever way."""

    def __init__(self, urls: Sequence[str], dll: Any = None) -> None:
        """dll: httpapi.dll, or an object that behaves like it. Raises HttpApiError, and then nothing stays open. Its number
        is 5 if this account may not listen, 183 if another owner has the port, 32 if a program without http.sys has it."""
        self._dll = load() if dll is None else dll
        self._undo: list[Callable[[], int]] = []
        self._queue = c_void_p()
        self._shut = False
        try:
            self._open(urls)
        except BaseException:
            self.close()
            raise

    def receive(self) -> Request:
        """Wait for the next request. Any number of threads may call this. Raises Ended after shut(), or HttpApiError."""
        buffer, wanted = (c_char * FIRST_BYTES)(), 0
        while not self._shut:
            length = c_uint32()
            number = self._dll.HttpReceiveHttpRequest(self._queue, wanted, 0, buffer, len(buffer), byref(length), None)
            if number == api.NO_ERROR:
                if (request := self._whole(buffer)) is not None:
                    return request
            elif number == api.MORE_DATA:
                # Read the same request again by its id, with a buffer that is large enough.
                wanted = api.HTTP_REQUEST.from_buffer(buffer).RequestId
                buffer = (c_char * max(length.value, 2 * len(buffer)))()
                continue
            elif number not in _GONE:
                raise self._failed("HttpReceiveHttpRequest", number)
            wanted = 0  # this client has gone: wait for the next one
        raise Ended

    def answer(self, request: Request, status: int, reason: str, headers: Headers, body: bytes, *, close: bool = False) -> bool:
        """Send the response; close: also close the connection. Returns False if the client has gone. Raises Ended,
        HttpApiError."""
        made = httpapi_response.Response(status, reason, headers, body)
        flags = api.SEND_DISCONNECT if close else 0
        number = self._dll.HttpSendHttpResponse(
            self._queue, request.id, flags, byref(made.response), None, byref(c_uint32()), None, 0, None, None
        )
        if number != api.NO_ERROR and number not in _GONE:
            raise self._failed("HttpSendHttpResponse", number)
        return bool(number == api.NO_ERROR)

    def shut(self) -> None:
        """Accept no more requests: threads in receive() get Ended. Does not block, and never raises."""
        begun, self._shut = self._shut, True  # set it first, so that a worker that has just answered does not wait again
        if not begun and self._queue.value is not None:
            self._dll.HttpShutdownRequestQueue(self._queue)

    def close(self) -> None:
        """Release everything, in reverse order. No thread may be in receive() or answer(): end them with shut() before. Never
        raises; Windows releases the rest when the process ends."""
        self.shut()
        while self._undo:
            self._undo.pop()()
        self._queue = c_void_p()

    def _open(self, urls: Sequence[str]) -> None:
        dll = self._dll
        self._call("HttpInitialize", _VERSION_2, api.INITIALIZE_SERVER, None)
        self._undo.append(lambda: dll.HttpTerminate(api.INITIALIZE_SERVER, None))
        queue = c_void_p()
        self._call("HttpCreateRequestQueue", _VERSION_2, None, None, 0, byref(queue))
        self._queue = queue
        self._undo.append(lambda: dll.HttpCloseRequestQueue(queue))
        session = c_uint64()
        self._call("HttpCreateServerSession", _VERSION_2, byref(session), 0)
        self._undo.append(lambda: dll.HttpCloseServerSession(session.value))
        for place, url in enumerate(urls):
            self._add(session.value, place, url)

    def _add(self, session: int, place: int, url: str) -> None:
        """Add a group of its own for each prefix, so that a refused prefix does not affect another."""
        group = c_uint64()
        self._call("HttpCreateUrlGroup", session, byref(group), 0)
        self._undo.append(lambda: self._dll.HttpCloseUrlGroup(group.value))
        info = api.HTTP_BINDING_INFO(1, self._queue)
        self._call("HttpSetUrlGroupProperty", group.value, api.BINDING_PROPERTY, byref(info), sizeof(info))
        self._call("HttpAddUrlToUrlGroup", group.value, url, place, 0)

    def _whole(self, buffer: Any) -> Request | None:
        """The request in this buffer, with its body; None if the client has gone meanwhile."""
        request, more = httpapi_request.read(buffer)
        if not more:
            return request
        try:
            return replace(request, body=self._body(request.id))
        except ConnectionError:
            return None

    def _body(self, request: int) -> bytes | None:
        """The body; None if it is too large. Raises ConnectionError if the client has gone."""
        part, length, body = (c_char * 65536)(), c_uint32(), b""
        while len(body) <= MAX_BODY_BYTES:
            number = self._dll.HttpReceiveRequestEntityBody(self._queue, request, 0, part, len(part), byref(length), None)
            if number == api.HANDLE_EOF:
                return body
            if number in _GONE:
                raise ConnectionError
            if number != api.NO_ERROR:
                raise self._failed("HttpReceiveRequestEntityBody", number)
            body += part.raw[: length.value]
        return None

    def _call(self, name: str, *arguments: Any) -> None:
        number = getattr(self._dll, name)(*arguments)
        if number != api.NO_ERROR:
            raise HttpApiError(name, number)

    def _failed(self, call: str, number: int) -> Exception:
        return Ended() if self._shut or number in _ENDED else HttpApiError(call, number)


def load() -> Any:
    """httpapi.dll of Windows' own folder, with the types of its functions. Raises OSError if there is none."""
    return dll.load("httpapi", FUNCTIONS)


_NUMBER = POINTER(c_uint32)
_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "HttpInitialize": (api.HTTPAPI_VERSION, c_uint32, c_void_p),
    "HttpTerminate": (c_uint32, c_void_p),
    "HttpCreateRequestQueue": (api.HTTPAPI_VERSION, c_wchar_p, c_void_p, c_uint32, POINTER(c_void_p)),
    "HttpShutdownRequestQueue": (c_void_p,),
    "HttpCloseRequestQueue": (c_void_p,),
    "HttpCreateServerSession": (api.HTTPAPI_VERSION, POINTER(c_uint64), c_uint32),
    "HttpCloseServerSession": (c_uint64,),
    "HttpCreateUrlGroup": (c_uint64, POINTER(c_uint64), c_uint32),
    "HttpCloseUrlGroup": (c_uint64,),
    "HttpSetUrlGroupProperty": (c_uint64, c_uint32, c_void_p, c_uint32),
    "HttpAddUrlToUrlGroup": (c_uint64, c_wchar_p, c_uint64, c_uint32),
    "HttpReceiveHttpRequest": (c_void_p, c_uint64, c_uint32, c_void_p, c_uint32, _NUMBER, c_void_p),
    "HttpReceiveRequestEntityBody": (c_void_p, c_uint64, c_uint32, c_void_p, c_uint32, _NUMBER, c_void_p),
    "HttpSendHttpResponse": (
        c_void_p, c_uint64, c_uint32, POINTER(api.HTTP_RESPONSE), c_void_p, _NUMBER, c_void_p, c_uint32, c_void_p, c_void_p,
    ),
}  # fmt: skip
FUNCTIONS: dll.Functions = {name: (c_uint32, arguments) for name, arguments in _ARGUMENTS.items()}
