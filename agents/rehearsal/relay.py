"""A worker's connection to the live service: it forwards a request unchanged, and returns the response unchanged."""

import http.client
import ssl
from dataclasses import dataclass

from agents.bounds import MAX_BODY_BYTES
from agents.winapi.httpapi_request import Headers, Request

# Headers of one connection, which are not forwarded (RFC 9110 7.6.1). Host and Content-Length are written anew, and http.sys
# itself adds Date and Server to every response.
_OF_THE_CONNECTION = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")
)
_SAID_ANEW = frozenset(("host", "content-length"))
_BY_HTTP_SYS = frozenset(("date", "server"))
_WITHOUT_BODY = frozenset((204, 304))
_MAY_BE_REPEATED = frozenset(("GET", "HEAD"))


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the live service."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    close: bool = False  # whether the live service closes the connection after it


class Relay:
    """One connection to 127.0.0.1 that is kept alive, for one thread. tls: None for HTTP."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, timeout_s: float) -> None:
        self._service = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_s, context=tls)
            if tls
            else http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        )

    def ask(self, request: Request) -> Response:
        """The live service's response; 503 if there is none. Never raises, whatever the client or the service sends."""
        if request.body is None:
            return _ours(413, "Content Too Large")
        kept = self._service.sock is not None
        try:
            try:
                return self._exchange(request)
            except (http.client.RemoteDisconnected, ConnectionError):
                # The service may have closed a connection that was kept for long, so try once more with a new one.
                if not kept or request.verb not in _MAY_BE_REPEATED:
                    raise
                self.close()
                return self._exchange(request)
        except (http.client.InvalidURL, UnicodeError, ValueError):
            self.close()
            return _ours(400, "Bad Request")
        except (OSError, http.client.HTTPException):
            self.close()
            return _ours(503, "Service Unavailable")

    def close(self) -> None:
        """Close the connection; the next request opens a new one. Never raises."""
        self._service.close()

    def _exchange(self, request: Request) -> Response:
        service = self._service
        service.putrequest(request.verb, request.target, skip_accept_encoding=True)
        sized = False
        for name, value in request.headers:
            sized = sized or name.lower() in ("content-length", "transfer-encoding")
            if name.lower() not in _OF_THE_CONNECTION | _SAID_ANEW:
                service.putheader(name, value.encode("latin-1"))
        if sized or request.body:
            service.putheader("Content-Length", str(len(request.body or b"")))
        service.endheaders(request.body or None)
        response = service.getresponse()
        body = response.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES or response.length:
            raise http.client.HTTPException("the response is too large, or was cut off")
        return Response(response.status, response.reason, _headers(request, response, body), body, response.will_close)


def _headers(request: Request, response: http.client.HTTPResponse, body: bytes) -> Headers:
    dropped = _OF_THE_CONNECTION | _BY_HTTP_SYS | {"content-length"}
    kept = [(name, value) for name, value in response.getheaders() if name.lower() not in dropped]
    if request.verb == "HEAD":  # the length of the response to a GET
        length = response.getheader("Content-Length")
    else:
        length = None if response.status in _WITHOUT_BODY else str(len(body))
    return (*kept, *([("Content-Length", length)] if length is not None else []))


def _ours(status: int, reason: str) -> Response:
    return Response(status, reason, (("Content-Length", "0"),), b"", close=True)
