"""The layer over httpapi.dll: structures as http.h has them, every number that a call may return, and closing in order.
tests/windows/test_httpapi.py asks the real DLL."""

import ctypes
import threading
from collections.abc import Iterator

import pytest
from fake_httpapi import FakeDll

from agents.winapi import dll as libraries
from agents.winapi import httpapi
from agents.winapi import httpapi_types as api
from agents.winapi.httpapi import Ended, HttpApiError, Listener
from agents.winapi.httpapi_request import Request

URLS = ("https://+:50001/", "http://+:50002/")
OPENED = ["HttpInitialize", "HttpCreateRequestQueue", "HttpCreateServerSession"]
GROUP = ["HttpCreateUrlGroup", "HttpSetUrlGroupProperty", "HttpAddUrlToUrlGroup"]
GIVEN_BACK = ["HttpCloseServerSession", "HttpCloseRequestQueue", "HttpTerminate"]

# (64 bits, 32 bits), from offsetof and sizeof of mingw-w64's http.h, compiled with _WIN32_WINNT 0x0600 for x86_64 and i686.
PLACES = {
    "HTTPAPI_VERSION": (4, 4), "HTTP_KNOWN_HEADER": (16, 8), "HTTP_KNOWN_HEADER.pRawValue": (8, 4),
    "HTTP_UNKNOWN_HEADER": (24, 12), "HTTP_UNKNOWN_HEADER.RawValueLength": (2, 2), "HTTP_UNKNOWN_HEADER.pName": (8, 4),
    "HTTP_UNKNOWN_HEADER.pRawValue": (16, 8), "HTTP_DATA_CHUNK": (32, 32), "HTTP_DATA_CHUNK.From": (8, 8),
    "FROM_MEMORY.BufferLength": (8, 4), "HTTP_REQUEST_HEADERS": (688, 344), "HTTP_REQUEST_HEADERS.pUnknownHeaders": (8, 4),
    "HTTP_REQUEST_HEADERS.TrailerCount": (16, 8), "HTTP_REQUEST_HEADERS.pTrailers": (24, 12),
    "HTTP_REQUEST_HEADERS.KnownHeaders": (32, 16), "HTTP_RESPONSE_HEADERS": (512, 256),
    "HTTP_RESPONSE_HEADERS.KnownHeaders": (32, 16), "HTTP_COOKED_URL": (40, 24), "HTTP_COOKED_URL.pFullUrl": (8, 8),
    "HTTP_TRANSPORT_ADDRESS": (16, 8), "HTTP_REQUEST": (864, 472), "HTTP_REQUEST.Flags": (0, 0),
    "HTTP_REQUEST.ConnectionId": (8, 8), "HTTP_REQUEST.RequestId": (16, 16), "HTTP_REQUEST.UrlContext": (24, 24),
    "HTTP_REQUEST.Version": (32, 32), "HTTP_REQUEST.Verb": (36, 36), "HTTP_REQUEST.UnknownVerbLength": (40, 40),
    "HTTP_REQUEST.RawUrlLength": (42, 42), "HTTP_REQUEST.pUnknownVerb": (48, 44), "HTTP_REQUEST.pRawUrl": (56, 48),
    "HTTP_REQUEST.CookedUrl": (64, 52), "HTTP_REQUEST.Address": (104, 76), "HTTP_REQUEST.Headers": (120, 84),
    "HTTP_REQUEST.BytesReceived": (808, 432), "HTTP_REQUEST.EntityChunkCount": (816, 440),
    "HTTP_REQUEST.pEntityChunks": (824, 444), "HTTP_REQUEST.RawConnectionId": (832, 448), "HTTP_REQUEST.pSslInfo": (840, 456),
    "HTTP_REQUEST.RequestInfoCount": (848, 464), "HTTP_REQUEST.pRequestInfo": (856, 468), "HTTP_RESPONSE": (568, 288),
    "HTTP_RESPONSE.Version": (4, 4), "HTTP_RESPONSE.StatusCode": (8, 8), "HTTP_RESPONSE.ReasonLength": (10, 10),
    "HTTP_RESPONSE.pReason": (16, 12), "HTTP_RESPONSE.Headers": (24, 16), "HTTP_RESPONSE.EntityChunkCount": (536, 272),
    "HTTP_RESPONSE.pEntityChunks": (544, 276), "HTTP_RESPONSE.ResponseInfoCount": (552, 280),
    "HTTP_RESPONSE.pResponseInfo": (560, 284), "HTTP_BINDING_INFO": (16, 8), "HTTP_BINDING_INFO.RequestQueueHandle": (8, 4),
}  # fmt: skip


@pytest.fixture
def dll() -> FakeDll:
    return FakeDll()


@pytest.fixture
def listener(dll: FakeDll) -> Iterator[Listener]:
    listener = Listener(URLS, dll)
    yield listener
    listener.close()


def _with_pointers(kind: type, pointer: type) -> type:
    """The same structure where a pointer is as wide as this."""
    if kind is ctypes.c_void_p:
        return pointer
    if issubclass(kind, ctypes.Array):
        return _with_pointers(kind._type_, pointer) * kind._length_
    if not issubclass(kind, (ctypes.Structure, ctypes.Union)):
        return kind
    base = ctypes.Union if issubclass(kind, ctypes.Union) else ctypes.Structure
    fields = [(name, _with_pointers(inner, pointer)) for name, inner in kind._fields_]
    return type(kind.__name__, (base,), {"_anonymous_": getattr(kind, "_anonymous_", ()), "_fields_": fields})


@pytest.mark.parametrize(("place", "pointer"), [(0, ctypes.c_uint64), (1, ctypes.c_uint32)])
def test_structures_are_laid_out_as_in_http_h(place: int, pointer: type) -> None:
    found = {}
    for name in PLACES:
        kind, _, field = name.partition(".")
        made = _with_pointers(getattr(api, kind), pointer)
        found[name] = getattr(made, field).offset if field else ctypes.sizeof(made)
    assert found == {name: figures[place] for name, figures in PLACES.items()}


def test_pointers_are_as_wide_as_here() -> None:
    assert ctypes.sizeof(api.HTTP_REQUEST) == PLACES["HTTP_REQUEST"][0 if ctypes.sizeof(ctypes.c_void_p) == 8 else 1]


def test_it_opens_and_gives_back_in_the_opposite_order(dll: FakeDll) -> None:
    listener = Listener(URLS, dll)
    assert dll.calls == [*OPENED, *GROUP, *GROUP]
    assert dll.urls == dict(enumerate(URLS))
    dll.calls.clear()
    listener.close()
    listener.close()  # a second time does nothing
    assert dll.calls == ["HttpShutdownRequestQueue", "HttpCloseUrlGroup", "HttpCloseUrlGroup", *GIVEN_BACK]


@pytest.mark.parametrize("place", range(6))
def test_what_fails_while_opening_leaves_nothing_behind(dll: FakeDll, place: int) -> None:
    name = [*OPENED, *GROUP][place]
    dll.fail[name] = 5
    with pytest.raises(HttpApiError) as caught:
        Listener(URLS, dll)
    assert (caught.value.call, caught.value.number) == (name, 5)
    back = [call for call in dll.calls if call.startswith(("HttpClose", "HttpTerminate"))]
    assert back == ["HttpCloseUrlGroup", *GIVEN_BACK][min(1 + 3 - min(place, 3), 4 - min(place, 4)) :]


def test_a_request_and_its_answer(dll: FakeDll, listener: Listener) -> None:
    headers = (("Host", b"srv:50001"), ("X-Terminal", b"K%C3%BCche"), ("Accept", b"*/*"), ("X-Empty", b""))
    dll.feed(7, connection=3, url=1, target=b"/netpos/members/1001?a=b", headers=headers)
    request = listener.receive()
    expected = (("Accept", "*/*"), ("Host", "srv:50001"), ("X-Terminal", "K%C3%BCche"), ("X-Empty", ""))
    assert request == Request(7, 3, 1, "GET", "/netpos/members/1001?a=b", expected, b"")
    answered = (("content-type", "application/json"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-Own", "1"))
    assert listener.answer(request, 200, "OK", answered, b"{}")
    headers = [("Content-Type", "application/json"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-Own", "1")]
    assert dll.answers == [(7, 0, 200, "OK", headers, b"{}")]


def test_an_answer_without_body_that_ends_the_connection(dll: FakeDll, listener: Listener) -> None:
    dll.feed(7, verb=b"BREW")
    request = listener.receive()
    assert request.verb == "BREW"
    assert listener.answer(request, 404, "Not Found", (), b"", close=True)
    assert dll.answers == [(7, 1, 404, "Not Found", [], b"")]


def test_what_does_not_fit_into_an_answer_is_said(dll: FakeDll, listener: Listener) -> None:
    dll.feed(7)
    request = listener.receive()
    for status, reason, headers, word in (
        (70000, "", (), "status"), (200, "x" * 65536, (), "reason"), (200, "", (("X-A", "x" * 65536),), "X-A"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=word):
            listener.answer(request, status, reason, headers, b"")
    assert dll.answers == []


def test_a_request_that_is_larger_than_the_room_for_it(dll: FakeDll, listener: Listener) -> None:
    for number, room in ((7, 5000), (8, 200_000)):
        dll.feed(number, room=room, headers=(("X-Big", b"x" * 5000),))
        request = listener.receive()
        assert (request.id, dict(request.headers)["X-Big"]) == (number, "x" * 5000)


@pytest.mark.parametrize("gone", [1229, 64, 1236])
def test_a_client_that_is_gone_is_not_waited_for(dll: FakeDll, listener: Listener, gone: int) -> None:
    dll.feed(7, room=100_000, gone=gone)  # when its large request is asked for again
    dll.fail_receiving(gone)
    dll.feed(8, body=(b"a", gone))  # in the middle of its body
    dll.feed(9)
    request = listener.receive()
    assert request.id == 9
    dll.fail["HttpSendHttpResponse"] = gone
    assert not listener.answer(request, 200, "OK", (), b"")


def test_bodies_are_read_whole_and_no_further_than_the_limit(
    dll: FakeDll, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    dll.feed(7, verb=b"POST", body=(b"abc", b"def"))
    assert listener.receive().body == b"abcdef"
    monkeypatch.setattr(httpapi, "MAX_BODY_BYTES", 5)
    dll.feed(8, verb=b"POST", body=(b"abc", b"def", b"never asked for"))
    assert listener.receive().body is None
    assert dll._bodies[8] == [b"never asked for"]


def test_an_unknown_error_names_the_call(dll: FakeDll, listener: Listener) -> None:
    dll.fail_receiving(87)
    with pytest.raises(HttpApiError, match="HttpReceiveHttpRequest failed with error 87"):
        listener.receive()
    dll.feed(7, body=(87,))
    with pytest.raises(HttpApiError, match="HttpReceiveRequestEntityBody failed with error 87"):
        listener.receive()
    dll.feed(8)
    request = listener.receive()
    dll.fail["HttpSendHttpResponse"] = 87
    with pytest.raises(HttpApiError, match="HttpSendHttpResponse failed with error 87"):
        listener.answer(request, 200, "OK", (), b"")


@pytest.mark.parametrize("number", [995, 6, 38, 87])
def test_shutting_ends_every_thread_that_waits(dll: FakeDll, listener: Listener, number: int) -> None:
    dll.ended = number  # whatever a call says after the end is the end
    ended: list[str] = []

    def wait() -> None:
        try:
            listener.receive()
        except Ended:
            ended.append("ended")

    threads = [threading.Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    listener.shut()
    for thread in threads:
        thread.join(20)
    assert ended == ["ended"] * 8
    dll.feed(7)
    with pytest.raises(Ended):  # and nobody begins to wait any more
        listener.receive()


def test_there_is_no_http_sys_here() -> None:
    with pytest.raises(OSError, match="exists only on Windows"):
        httpapi.load()


def test_every_function_has_its_types() -> None:
    functions = type("Functions", (), {name: type(name, (), {}) for name in httpapi.FUNCTIONS})
    assert libraries.typed(functions, httpapi.FUNCTIONS) is functions
    counts = {name: len(getattr(functions, name).argtypes) for name in httpapi.FUNCTIONS}
    assert (counts["HttpReceiveHttpRequest"], counts["HttpSendHttpResponse"], counts["HttpInitialize"]) == (7, 10, 3)
    assert {getattr(functions, name).restype for name in counts} == {ctypes.c_uint32}
