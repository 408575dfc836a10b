"""The reference server's listener: HTTP/1.1 on h11, plain or behind TLS, on 127.0.0.1."""

import asyncio
import errno
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h11

from agents.lab import httpsys
from agents.lab.dialects.dialect import Answer, Asked

HANDSHAKE_LIMIT_S = 10.0
MAX_BODY = 64 * 1024


class AccessLog:
    """server/access.jsonl: one line for each response, written right after it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(
        self,
        event: str,
        scheme: str,
        *,
        terminal: str | None = None,
        path: str | None = None,
        status: int | None = None,
        tls: str | None = None,
    ) -> None:
        """One line, in a single write."""
        row = {"t": round(time.time(), 6), "event": event, "scheme": scheme}
        row |= {"terminal": terminal, "path": path, "status": status, "tls": tls}
        os.write(self._fd, json.dumps(row, separators=(",", ":")).encode() + b"\n")


class Listener:
    """One scheme on one port, from start() to stop()."""

    def __init__(
        self, scheme: str, port: int, bindings: httpsys.Bindings, log: AccessLog, answer: Callable[[Asked], Answer]
    ) -> None:
        """answer: the service's response to a request, in the site's dialect."""
        self.scheme, self.port, self.log, self.answer = scheme, port, log, answer
        self._bindings = bindings
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._shaking: set[asyncio.Task[None]] = set()
        self.open: set[asyncio.Transport] = set()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", self.port))
            sock.listen(1024)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        self.log.add("start", self.scheme)
        self._accepting = asyncio.create_task(self._accept(sock))

    def stop(self) -> None:
        """Close the listener and all connections at once. No response is sent after this."""
        if self._socket is None or self._accepting is None:
            return
        self._accepting.cancel()
        self._socket.close()
        self._socket = None
        for task in self._shaking:
            task.cancel()
        for transport in list(self.open):
            transport.abort()
        self.log.add("stop", self.scheme)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(sock)
            except OSError as error:
                # No descriptor is free, or the client has gone.
                await asyncio.sleep(0.05 if error.errno in (errno.EMFILE, errno.ENFILE) else 0)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._serve(connection))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self.scheme == "http":
                await loop.connect_accepted_socket(lambda: _Connection(self), connection)
                return
            context = self._bindings.context()
            if context is None:
                self.log.add("refused", self.scheme)
                _reset(connection)
                return
            await loop.connect_accepted_socket(
                lambda: _Connection(self), connection, ssl=context, ssl_handshake_timeout=HANDSHAKE_LIMIT_S
            )
        except ssl.SSLError:
            self.log.add("refused", self.scheme)
        except OSError:
            connection.close()  # it closed before it sent anything
        except asyncio.CancelledError:
            connection.close()
            raise


class _Connection(asyncio.Protocol):
    """One connection that is kept alive, with one request after the other."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._h11 = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport
        self._request: h11.Request | None = None
        self._body = b""
        self._tls: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._listener.open.add(transport)
        if tls := transport.get_extra_info("ssl_object"):
            self._tls = tls.version()

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            self._h11.receive_data(data)
            self._answer_all()
        except h11.RemoteProtocolError:
            self._refuse()

    def eof_received(self) -> bool:
        return False

    def _answer_all(self) -> None:
        while True:
            event: Any = self._h11.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Request):
                self._request, self._body = event, b""
                if any(name == b"expect" for name, _ in event.headers):
                    self._go_on()
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    self._refuse()
                    return
            elif isinstance(event, h11.EndOfMessage):
                assert self._request is not None
                self._answer(self._request)
                if self._h11.our_state is h11.MUST_CLOSE:
                    self._transport.close()
                    return
                self._h11.start_next_cycle()

    def _answer(self, request: h11.Request) -> None:
        path = request.target.decode("ascii", "replace")
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers)
        answer = self._listener.answer(Asked(request.method.decode("ascii"), path, headers, self._body))
        self._send(answer, head=request.method == b"HEAD")
        self._listener.log.add(
            "request", self._listener.scheme, terminal=answer.terminal, path=path, status=answer.status, tls=self._tls
        )

    def _go_on(self) -> None:
        """Tell a client that waits with its body to send it."""
        self._transport.write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    def _send(self, answer: Answer, *, head: bool) -> None:
        headers = [
            ("Content-Type", answer.media_type),
            ("Content-Length", str(len(answer.body))),
            ("Server", "Microsoft-HTTPAPI/2.0"),
        ]
        out = self._h11.send(h11.Response(status_code=answer.status, headers=headers)) or b""
        if not head:
            out += self._h11.send(h11.Data(data=answer.body)) or b""
        self._transport.write(out + (self._h11.send(h11.EndOfMessage()) or b""))

    def _refuse(self) -> None:
        """Answer 400, as http.sys does, to bytes that are not HTTP: most likely a TLS handshake on a plain port."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self._listener.log.add("refused", self._listener.scheme, status=400, tls=self._tls)
        self._transport.close()


def _reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
