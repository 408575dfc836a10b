"""One worker's way from http.sys to the live service: what goes on, what comes back, and what a broken service gives."""

import re
import socket
import threading
from collections.abc import Iterator

import pytest

from agents.rehearsal import relay as module
from agents.rehearsal.relay import Relay
from agents.winapi.httpapi_request import Request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Service:
    """Answers each request with the next of these bytes, and keeps what was asked; b"" ends the connection instead."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._sock.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._sock.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while data := self._request(connection):
                    self.asked.append(data)
                    answer = self.answers.pop(0)
                    connection.sendall(answer)
                    if not answer or b"close" in answer:
                        break

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        """The next one, whole; b"" at the connection's end."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        return data


def _length(data: bytes) -> int:
    found = re.search(rb"Content-Length: (\d+)", data)
    return int(found[1]) if found else 0


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def relay(service: Service) -> Iterator[Relay]:
    relay = Relay(service.port, None, 5.0)
    yield relay
    relay.close()


def request(verb: str = "GET", target: str = "/netpos/members/1001?a=b", headers=(), body: bytes | None = b"") -> Request:
    return Request(1, 2, 0, verb, target, headers, body)


def test_a_request_goes_on_as_it_came(service: Service, relay: Relay) -> None:
    service.answers = [OK, OK]
    told = (
        ("Host", "srv:50001"), ("Connection", "keep-alive"), ("X-Terminal", "K%C3%BCche"), ("Accept", "*/*"),
        ("X-Latin", "\xe9"), ("Transfer-Encoding", "chunked"),
    )  # fmt: skip
    assert relay.ask(request(headers=told)).body == b"{}"
    lines = service.asked[0].split(b"\r\n")
    assert lines[0] == b"GET /netpos/members/1001?a=b HTTP/1.1"
    assert sorted(lines[1:-2]) == sorted(
        [
            b"Host: 127.0.0.1:%d" % service.port,
            b"X-Terminal: K%C3%BCche",
            b"Accept: */*",
            b"X-Latin: \xe9",
            b"Content-Length: 0",
        ]
    )
    relay.ask(request("POST", "/netpos/points", body=b"abc"))
    head, _, body = service.asked[1].partition(b"\r\n\r\n")
    assert (b"Content-Length: 3" in head, body) == (True, b"abc")
    assert service.connections == 1  # kept


def test_an_answer_comes_back_as_it_was(service: Service, relay: Relay) -> None:
    service.answers = [
        b"HTTP/1.1 404 Not Here\r\nDate: x\r\nServer: y\r\nContent-Type: application/json\r\nX-Own: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
    ]
    answer = relay.ask(request())
    assert (answer.status, answer.reason, answer.body, answer.close) == (404, "Not Here", b"abc", False)
    assert answer.headers == (("Content-Type", "application/json"), ("X-Own", "1"), ("Content-Length", "3"))
    assert relay.ask(request()).headers == (("ETag", "1"),)
    assert relay.ask(request("HEAD")).headers == (("Content-Length", "99"),)
    assert relay.ask(request()).close


def test_a_kept_connection_that_has_ended_meanwhile_is_made_anew_once(service: Service, relay: Relay) -> None:
    service.answers = [OK, b"", OK, b"", b""]
    assert [relay.ask(request()).status for _ in range(2)] == [200, 200]
    assert service.connections == 2
    assert relay.ask(request()).status == 503  # and not for ever
    assert service.connections == 3


def test_what_may_not_be_done_twice_is_not(service: Service, relay: Relay) -> None:
    service.answers = [OK, b""]
    relay.ask(request())
    assert relay.ask(request("POST", body=b"points")).status == 503
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "answer", [b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_a_service_that_breaks_off_is_a_503_that_ends_the_connection(service: Service, relay: Relay, answer: bytes) -> None:
    service.answers = [answer, OK]
    if b"no HTTP" in answer:
        service.answers[0] += b"close"
    broken = relay.ask(request())
    assert (broken.status, broken.close, broken.body) == (503, True, b"")
    assert relay.ask(request()).status == 200


def test_nobody_listens(service: Service, relay: Relay) -> None:
    service.close()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert Relay(port, None, 5.0).ask(request()).status == 503


def test_too_large_either_way(service: Service, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    assert relay.ask(request(body=None)).status == 413
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 1)
    service.answers = [OK]
    assert relay.ask(request()).status == 503


@pytest.mark.parametrize("changes", [{"target": "/a b"}, {"target": "/\xe9"}, {"headers": (("X-A", "a\r\nX-B: b"),)}])
def test_what_cannot_be_said_in_http_is_not_passed_on(service: Service, relay: Relay, changes: dict) -> None:
    assert relay.ask(request(**changes)).status == 400
    assert service.asked == []
    service.answers = [OK]
    assert relay.ask(request()).status == 200
