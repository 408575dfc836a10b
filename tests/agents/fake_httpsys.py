"""http.sys as the shadow listener sees it: prefixes, a queue, and TLS by whatever is bound to the port at the moment of
a handshake. Sockets, HTTP and TLS are real; the queue is agents.winapi.httpapi.Listener's surface."""

import itertools
import queue
import ssl
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from agents.winapi.httpapi import Ended, HttpApiError
from agents.winapi.httpapi_request import Headers, Request

LIMIT_S = 20


class FakeHttpSys:
    """What opens listeners. context: TLS for a port, None where nothing is bound to it; refuse: numbers with which the
    next attempts fail, one each."""

    def __init__(self, context: Callable[[int], ssl.SSLContext | None]) -> None:
        self.context = context
        self.refuse: list[int] = []
        self.listeners: list[FakeListener] = []
        self.tried: list[tuple[int, ...]] = []

    def __call__(self, urls: Sequence[str]) -> "FakeListener":
        self.tried.append(tuple(urlsplit(url.replace("+", "localhost")).port or 0 for url in urls))
        if self.refuse:
            raise HttpApiError("HttpAddUrlToUrlGroup", self.refuse.pop(0))
        self.listeners.append(FakeListener(self, urls))
        return self.listeners[-1]


class FakeListener:
    def __init__(self, machine: FakeHttpSys, urls: Sequence[str]) -> None:
        self.machine = machine
        self.coming: queue.Queue[tuple[Request, _Handler] | None] = queue.Queue()
        self.taken: dict[int, _Handler] = {}
        self.numbers = itertools.count(1)
        self.closed = False
        self._servers = [_Server(self, place, url) for place, url in enumerate(urls)]

    def receive(self) -> Request:
        item = self.coming.get()
        if item is None:
            self.coming.put(None)
            raise Ended
        self.taken[item[0].id] = item[1]
        return item[0]

    def answer(self, request: Request, status: int, reason: str, headers: Headers, body: bytes, *, close: bool = False) -> bool:
        self.taken.pop(request.id).answered.put((status, reason, headers, body, close))
        return True

    def shut(self) -> None:
        self.coming.put(None)

    def close(self) -> None:
        self.shut()
        if not self.closed:
            for server in self._servers:
                server.end()
        self.closed = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, listener: FakeListener, place: int, url: str) -> None:
        parts = urlsplit(url.replace("+", "localhost"))
        self.listener, self.place, self.tls = listener, place, parts.scheme == "https"
        self.open: set[Any] = set()
        super().__init__(("", parts.port or 0), _Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls:
            context = self.listener.machine.context(self.server_address[1])
            if context is None:
                return  # the handshake is reset
            request = context.wrap_socket(request, server_side=True)
        self.open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.open.discard(request)
            if self.tls:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nobody's fault here."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.answered: queue.Queue[Any] = queue.Queue()
        self.number = next(self.server.listener.numbers)

    def handle_any(self) -> None:
        listener = self.server.listener
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = tuple(self.headers.items())
        number = next(listener.numbers)
        request = Request(number, self.number, self.server.place, self.command, self.path, headers, body)
        listener.coming.put((request, self))
        status, reason, told, data, close = self.answered.get(timeout=LIMIT_S)
        self.send_response_only(status, reason)
        for name, value in told:
            self.send_header(name, value)
        self.close_connection = self.close_connection or close
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_HEAD = handle_any
