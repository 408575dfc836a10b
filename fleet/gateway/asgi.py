"""Entry point of the gateway, served by granian over TLS with the dashboard's own CA:

granian --interface asgi fleet.gateway.asgi:application --ssl-certificate … --ssl-keyfile …

It is a plain ASGI application, because a Django view would cost 30 to 80 times as much per waiting agent.
"""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet.settings")
django.setup()

from fleet.gateway.conversation import serve  # noqa: E402 — services need Django's apps to be loaded
from fleet.gateway.hub import Hub  # noqa: E402
from fleet.startup import refuse_without_keys  # noqa: E402

refuse_without_keys()
hub = Hub()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One ASGI connection: the start and end of the process, an agent's WebSocket, or a health check."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket" and scope["path"] == "/agent":
        await serve(hub, receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4404})
    else:
        status = 200 if scope["path"] == "/healthz" else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ok\n" if status == 200 else b"agents only\n"})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await hub.open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hub.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
