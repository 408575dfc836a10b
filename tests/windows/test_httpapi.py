"""The agent's layer over the HTTP Server API against a real httpapi.dll and http.sys: those of Wine, which speak HTTP and
no TLS. Clients are on this side of Wine, over real sockets.

Where Wine 8 is no Windows (dlls/httpapi and dlls/http.sys of its source): one prefix for a group of URLs, which is all
that we ask for; closing any queue closes the sockets of all, so each test has its own process, one after the other; a
Host with the port in it is needed, header names are told apart by case and chunked bodies are not known, so these
clients speak as .NET does; and a request that comes in more than a few pieces may end its connection, because a buffer
that is full is read into once more, and the 0 that this gives is taken for the client's end: large requests are sent in
one piece, on a connection each, and again where that happens. For the exports that are missing see wine_httpapi.py."""

import hashlib
import http.client
import json
import socket
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.windows.wine import Windows

HERE = Path(__file__).parent
WORKERS, LIMIT_S, TRIES = 8, 60.0, 20
MOST_OF_A_BODY = 70_000  # here; Wine would hardly ever see the end of much larger ones
SETTINGS = "<NetPOSSettings><General><Port>{port}</Port><UseSSL>False</UseSSL></General></NetPOSSettings>"
_OPENING = """
import sys
from agents.winapi.httpapi import HttpApiError, Listener
from tests.windows.wine_httpapi import WineDll
try:
    Listener(sys.argv[1:], WineDll()).close()
except HttpApiError as error:
    print(error.call, error.number)
else:
    print("opened")
"""


class Program:
    """A program under Wine that is told to go on by a line, and says things as JSON lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def says(self) -> Any:
        """The next line. Fails with all that it says instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith(("{", '"')):
            pytest.fail(line + self.process.communicate(timeout=LIMIT_S)[0])
        return json.loads(line)

    def go_on(self) -> Any:
        """What it says last, and its end."""
        told, _ = self.process.communicate("\n", timeout=LIMIT_S)
        assert self.process.returncode == 0, told
        return json.loads(told)


@contextmanager
def running(windows: Windows, script: str, *arguments: str) -> Iterator[Program]:
    command = windows.command(windows.path(HERE / script), *arguments)
    process = subprocess.Popen(
        command, env=windows.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield Program(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def echo(windows: Windows, port: int) -> Iterator[Program]:
    with running(windows, "echo_httpapi.py", str(port), str(WORKERS), str(MOST_OF_A_BODY)) as program:
        assert program.says() == "listening"
        yield program


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, target: str, **values: Any) -> dict[str, Any]:
    verb = values.pop("verb", "GET")
    connection.request(verb, target, **values)
    response = connection.getresponse()
    assert (response.status, response.reason) == (200, "Very Well")
    assert response.headers.get_all("X-Seen") == ["a", "b"]
    return dict(json.loads(response.read()))


def sum_of(data: bytes) -> list[Any]:
    return [len(data), hashlib.sha256(data).hexdigest()]


def test_many_kept_connections_at_once_get_their_own_answers(echo: Program, port: int) -> None:
    def till(number: int) -> int:
        with connected(port) as connection:
            for turn in range(20):
                name = f"TILL-{number}-{turn}"
                told = ask(connection, f"/netpos/members/{name}?a=%20b", headers={"X-Terminal": name})
                assert (told["verb"], told["target"]) == ("GET", f"/netpos/members/{name}?a=%20b")
                assert told["headers"]["X-Terminal"] == sum_of(name.encode())
                assert (told["body"], told["url"]) == (sum_of(b""), 0)
            assert connection.sock is not None  # kept
        return number

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(till, range(24))) == list(range(24))
    assert echo.go_on() == {"ended": WORKERS, "unheard": []}


def large(port: int, target: str, verb: str = "GET", *, body: bytes = b"", **headers: str) -> dict[str, Any]:
    """What is understood of a large request, said as often as Wine needs."""
    told = {"Host": f"x:{port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        told["Content-Length"] = str(len(body))
    lines = (f"{verb} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", "")
    for _ in range(TRIES):
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as sock, suppress(ConnectionError):
            sock.sendall("\r\n".join(lines).encode() + body)
            with http.client.HTTPResponse(sock) as response:
                response.begin()
                return dict(json.loads(response.read()))
    pytest.fail(f"Wine has taken {verb} {target} in none of {TRIES} tries")


def test_bodies_of_every_size_and_verbs(echo: Program, port: int) -> None:
    for size in (1, 4096, 65_536, 65_537, MOST_OF_A_BODY):
        body = bytes(number % 251 for number in range(size))
        assert large(port, "/netpos/points", "POST", body=body)["body"] == sum_of(body)
    for size in (MOST_OF_A_BODY + 1, MOST_OF_A_BODY + 20_000):
        assert large(port, "/", "POST", body=b"x" * size)["body"] is None
    with connected(port) as connection:
        for verb in ("PUT", "DELETE", "OPTIONS", "BREW"):
            assert ask(connection, "/", verb=verb)["verb"] == verb


@pytest.mark.parametrize("size", [1, 2000, 3000, 4000, 8000, 30_000, 60_000])
def test_headers_that_need_more_room_than_the_first_look_has(echo: Program, port: int, size: int) -> None:
    for turn in range(3):
        value = chr(97 + turn) * size
        told = large(port, "/" + "p" * turn, X_Large=value, Cookie=value[:900], X_Other="1")
        assert [told["headers"][name] for name in ("X-Large", "X-Other")] == [sum_of(value.encode()), sum_of(b"1")]
        assert told["headers"]["Cookie"] == sum_of(value[:900].encode())


def test_clients_that_go_in_the_middle_are_nobodys_trouble(echo: Program, port: int) -> None:
    head = f"GET /gone HTTP/1.1\r\nHost: x:{port}\r\nX-Large: {'x' * 20_000}\r\n"
    for said in ("GET /go", head, head + "\r\n", head + "Content-Length: 90000\r\n\r\nonly this"):
        for reset in (False, True):
            with socket.create_connection(("127.0.0.1", port), LIMIT_S) as sock:
                sock.sendall(said.encode())
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connected(port) as connection:
        for turn in range(2 * WORKERS):  # every worker is still there
            assert ask(connection, f"/{turn}")["target"] == f"/{turn}"
    told = echo.go_on()
    assert told["ended"] == WORKERS
    assert set(told["unheard"]) <= {"/gone"}


def test_workers_that_wait_end_when_it_is_shut(echo: Program, port: int) -> None:
    assert echo.go_on() == {"ended": WORKERS, "unheard": []}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), LIMIT_S)


def test_prefixes_that_http_sys_refuses(windows: Windows, port: int) -> None:
    """On Windows https:// is taken; Wine says number 1, ERROR_INVALID_FUNCTION, because it has no TLS."""

    def opening(*urls: str) -> str:
        return windows.run("-c", _OPENING, *urls).strip()

    assert opening(f"http://+:{port}/") == "opened"
    assert opening(f"http://+:{port}/") == "opened"  # it was given back
    assert opening(f"http://+:{port}/", f"http://+:{port}/") == "HttpAddUrlToUrlGroup 183"
    assert opening(f"https://+:{port}/") == "HttpAddUrlToUrlGroup 1"
    assert opening("http://+/") == "HttpAddUrlToUrlGroup 87"


def test_a_rehearsal_opens_passes_on_and_leaves_nothing(windows: Windows, port: int, tmp_path: Path) -> None:
    (tmp_path / "settings.xml").write_text(SETTINGS.format(port=port))
    with running(windows, "rehearse_httpapi.py", windows.path(tmp_path), str(port)) as program:
        opened = program.says()
        assert (opened["kind"], opened["finding"], opened["chain"]) == ("HttpSysShadow", None, [])
        assert opened["bound"] == f"0.0.0.0:{opened['port']}"
        with connected(opened["plain_port"]) as connection:
            for target, status in (("/netpos/members/1001", 200), ("/netpos/members/9", 404)):
                connection.request("GET", target, headers={"X-Terminal": "TILL-1"})
                response = connection.getresponse()
                assert (response.status, json.loads(response.read())) == (
                    status, {"number": "1001"} if status == 200 else {"error": "unknown"},
                )  # fmt: skip
            assert connection.sock is not None  # kept
        closed = program.go_on()
    assert (closed["handshakes"], closed["lookups"], closed["same"], closed["left"]) == (0, 2, True, None)
    assert [change.split()[2] for change in closed["changes"]] == ["add", "delete"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", opened["plain_port"]), LIMIT_S)
