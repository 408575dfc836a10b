"""Serving HTTP through Windows' http.sys, as NetPOS.Net does: the HTTP Server API 2.0 (httpapi.dll). TLS, certificates
and keep-alive are the driver's business; what comes here is a request, and what goes back is an answer.

Every call here blocks: call it in a thread."""

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
# A client that is gone, by its connection or by its request; and the end of the queue, which is ours.
_GONE = frozenset((api.CONNECTION_INVALID, api.NETNAME_DELETED, api.CONNECTION_ABORTED))
_ENDED = frozenset((api.OPERATION_ABORTED, api.INVALID_HANDLE))


class HttpApiError(Exception):
    """call: the function that failed; number: Windows' error number."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(f"{call} failed with error {number}")
        self.call, self.number = call, number


class Ended(Exception):
    """The listener was shut: nothing comes any more."""


class Listener:
    """A request queue with these URL prefixes, such as "https://+:50001/". Raises HttpApiError, and leaves nothing
    behind then: 5 where this account may not listen, 183 where the port has another owner, 32 where a program without
    http.sys has it. A prefix is gone with the process, however it ends."""

    def __init__(self, urls: Sequence[str], dll: Any = None) -> None:
        """dll: httpapi.dll, or what behaves like it."""
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
        """The next request; waits for it. Any number of threads may. Raises Ended after shut(), HttpApiError."""
        buffer, wanted = (c_char * FIRST_BYTES)(), 0
        while not self._shut:
            length = c_uint32()
            number = self._dll.HttpReceiveHttpRequest(self._queue, wanted, 0, buffer, len(buffer), byref(length), None)
            if number == api.NO_ERROR:
                if (request := self._whole(buffer)) is not None:
                    return request
            elif number == api.MORE_DATA:
                # The same request again, which is ours by its id now, with as much room as it needs.
                wanted = api.HTTP_REQUEST.from_buffer(buffer).RequestId
                buffer = (c_char * max(length.value, 2 * len(buffer)))()
                continue
            elif number not in _GONE:
                raise self._failed("HttpReceiveHttpRequest", number)
            wanted = 0  # this client has gone: the next one
        raise Ended

    def answer(self, request: Request, status: int, reason: str, headers: Headers, body: bytes, *, close: bool = False) -> bool:
        """Answer it; close: and end the connection. False where the client has gone. Raises Ended, HttpApiError."""
        made = httpapi_response.Response(status, reason, headers, body)
        flags = api.SEND_DISCONNECT if close else 0
        number = self._dll.HttpSendHttpResponse(
            self._queue, request.id, flags, byref(made.response), None, byref(c_uint32()), None, 0, None, None
        )
        if number != api.NO_ERROR and number not in _GONE:
            raise self._failed("HttpSendHttpResponse", number)
        return bool(number == api.NO_ERROR)

    def shut(self) -> None:
        """Take no more requests: whoever waits in receive() gets Ended. Does not block; never raises."""
        begun, self._shut = self._shut, True  # first: a worker that is just back from an answer must not wait again
        if not begun and self._queue.value is not None:
            self._dll.HttpShutdownRequestQueue(self._queue)

    def close(self) -> None:
        """Give everything back, last first. Nobody may be in receive() or answer() any more: end them by shut(). Never
        raises; what Windows does not take back it takes with the process."""
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
        """A group for each prefix: one that is refused is then the only one of its group."""
        group = c_uint64()
        self._call("HttpCreateUrlGroup", session, byref(group), 0)
        self._undo.append(lambda: self._dll.HttpCloseUrlGroup(group.value))
        info = api.HTTP_BINDING_INFO(1, self._queue)
        self._call("HttpSetUrlGroupProperty", group.value, api.BINDING_PROPERTY, byref(info), sizeof(info))
        self._call("HttpAddUrlToUrlGroup", group.value, url, place, 0)

    def _whole(self, buffer: Any) -> Request | None:
        """The request in this buffer, with its body; None where the client has gone meanwhile."""
        request, more = httpapi_request.read(buffer)
        if not more:
            return request
        try:
            return replace(request, body=self._body(request.id))
        except ConnectionError:
            return None

    def _body(self, request: int) -> bytes | None:
        """Raises ConnectionError where the client has gone."""
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
    """httpapi.dll of Windows' own folder, with the types of its functions. Raises OSError where there is none."""
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
