"""The reference server's listener: HTTP/1.1 on h11, plain or behind TLS, on 127.0.0.1."""

import asyncio
import errno
import json
import os
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import Any

import h11

from agents.lab import httpsys
from agents.lab.layout import MEMBERS

HANDSHAKE_LIMIT_S = 10.0
_INTERFACES = json.dumps([{"id": 1, "type": "Members", "default": True}, {"id": 2, "type": "Accounts", "default": False}])
_MEMBER_PATH = "/netpos/members/"


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

    def __init__(self, scheme: str, port: int, bindings: httpsys.Bindings, log: AccessLog) -> None:
        self.scheme, self.port, self.log = scheme, port, log
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
        request: h11.Request | None = None
        while True:
            event: Any = self._h11.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Request):
                request = event
                self._request = event
            elif isinstance(event, h11.EndOfMessage):
                self._answer(request or self._request)
                if self._h11.our_state is h11.MUST_CLOSE:
                    self._transport.close()
                    return
                self._h11.start_next_cycle()
                request = None

    def _answer(self, request: h11.Request) -> None:
        path = request.target.decode("ascii", "replace")
        status, body = _content(request.method, path)
        self._send(status, body)
        terminal = next((value.decode("latin-1") for name, value in request.headers if name == b"x-terminal"), None)
        self._listener.log.add("request", self._listener.scheme, terminal=terminal, path=path, status=status, tls=self._tls)

    def _send(self, status: int, body: str) -> None:
        data = body.encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(data))),
            ("Server", "Microsoft-HTTPAPI/2.0"),
        ]
        out = self._h11.send(h11.Response(status_code=status, headers=headers)) or b""
        out += self._h11.send(h11.Data(data=data)) or b""
        self._transport.write(out + (self._h11.send(h11.EndOfMessage()) or b""))

    def _refuse(self) -> None:
        """Answer 400, as http.sys does, to bytes that are not HTTP: most likely a TLS handshake on a plain port."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self._listener.log.add("refused", self._listener.scheme, status=400, tls=self._tls)
        self._transport.close()


def _content(method: bytes, path: str) -> tuple[int, str]:
    plain = path.partition("?")[0]
    if method == b"GET" and plain == "/netpos/interfaces":
        return 200, _INTERFACES
    number = plain.removeprefix(_MEMBER_PATH)
    if method == b"GET" and plain.startswith(_MEMBER_PATH) and number.isascii() and number.isdigit() and int(number) in MEMBERS:
        return 200, json.dumps({"number": int(number), "name": f"Member {number}", "points": int(number) % 97})
    return 404, json.dumps({"error": "not found"})


def _reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
