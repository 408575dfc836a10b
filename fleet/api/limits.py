"""Keeps oversized bodies away from Django, which would first write the whole body to disk."""

from collections.abc import Awaitable, Callable
from typing import Any

from fleet.api.errors import too_big
from fleet.api.problems import PREFIX

Message = Any  # a mapping, as ASGI defines it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

# A client that is still sending when the connection closes may never read the answer, so we read on up to this size.
PATIENCE = 16 * 1024 * 1024


class BodyLimit:
    """An ASGI layer around Django. A body whose Content-Length is too large is answered with 413 and not read. A body
    without a length that grows too large is cut one byte past the limit, where the API's parser refuses it."""

    def __init__(self, app: App, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
        elif _declared(scope) > self.limit:
            await _drain(receive)
            await _refuse(send)
        else:
            await self.app(scope, _Capped(receive, self.limit), send)


class _Capped:
    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive, self.left, self.cut = receive, limit + 1, False

    async def __call__(self) -> Message:
        message = await self.receive()
        while self.cut and message["type"] == "http.request":  # read the rest and drop it
            message = await self.receive()
        body = message.get("body", b"")
        if message["type"] != "http.request" or len(body) < self.left:
            self.left -= len(body)
            return message
        self.cut = True
        return {"type": "http.request", "body": body[: self.left], "more_body": False}


def _declared(scope: dict[str, Any]) -> int:
    length = next((v for k, v in scope["headers"] if k.lower() == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


async def _drain(receive: Receive) -> None:
    left = PATIENCE
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))


async def _refuse(send: Send) -> None:
    answer = too_big().response()
    headers = [(k.lower().encode(), v.encode()) for k, v in answer.items()]
    headers += [(b"content-length", str(len(answer.content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
