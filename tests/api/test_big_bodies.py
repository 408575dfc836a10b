"""Bodies above 1 MB: 413, soon, and without Django keeping them."""

import asyncio
import json
import time
from typing import Any

import pytest

from fleet.api.limits import BodyLimit

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("key", ["note", "site"])
def test_five_megabytes_are_413_within_two_seconds(api: Any, club: Any, key: str) -> None:
    begun = time.monotonic()
    answer = api("POST", "/cutovers", {"site": club[0].pk, key: "x" * 5_000_000})
    assert answer.status_code == 413
    assert time.monotonic() - begun < 2


def test_without_a_length_the_parser_counts(api: Any, club: Any, rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Sent in chunks a body has no Content-Length, and Django's own limit looks at nothing else.
    raw = json.dumps({"site": club[0].pk, "note": "x" * MEGABYTE}).encode()
    monkeypatch.setattr("django.http.request.HttpRequest.body", raw)
    answer = api("POST", "/cutovers", {})
    assert answer.status_code == 413


def test_a_verb_reads_its_body_too(api: Any, club: Any) -> None:
    assert api("POST", "/cutovers/1/start", raw=b"x" * 2 * MEGABYTE).status_code == 413
    assert api("POST", "/cutovers/1/start", raw=b"{").status_code == 400
    assert api("POST", "/cutovers/1/start", {"force": True}).json()["errors"][0]["field"] == "force"


def test_whoever_has_no_token_hears_that_first(api: Any) -> None:
    answer = api("POST", "/cutovers", raw=b"x" * 2 * MEGABYTE, Authorization="Bearer nobody")
    assert answer.status_code == 401


class _Server:
    """An ASGI server's side of one request."""

    def __init__(self, *chunks: bytes) -> None:
        last = len(chunks) - 1
        self.waiting = [{"type": "http.request", "body": c, "more_body": i < last} for i, c in enumerate(chunks)]
        self.sent: list[dict[str, Any]] = []
        self.seen = b""

    async def receive(self) -> dict[str, Any]:
        return self.waiting.pop(0) if self.waiting else {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """As Django does: read everything, then wait for the client to go."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.seen += message["body"]
            if not message["more_body"]:
                assert (await receive())["type"] == "http.disconnect"
                return

    def run(self, path: str = "/api/v1/cutovers", length: int | None = None) -> None:
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        layer = BodyLimit(self.app, 100)
        asyncio.run(layer({"type": "http", "path": path, "headers": headers}, self.receive, self.send))


def test_a_declared_size_is_refused_unseen() -> None:
    server = _Server(b"x" * 60, b"x" * 60)
    server.run(length=120)
    assert server.seen == b""
    assert server.sent[0]["status"] == 413
    assert (b"content-type", b"application/problem+json") in server.sent[0]["headers"]
    assert json.loads(server.sent[1]["body"])["status"] == 413
    assert not server.waiting  # all was read, so that the client is there to hear the answer


def test_an_undeclared_size_is_cut_one_byte_past_the_limit() -> None:
    server = _Server(*[b"x" * 30] * 10)
    server.run()
    assert len(server.seen) == 101


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_what_fits_passes_whole(size: int) -> None:
    server = _Server(b"x" * size)
    server.run(length=size)
    assert len(server.seen) == size
    assert not server.sent


def test_other_paths_are_left_alone() -> None:
    server = _Server(b"x" * 500)
    server.run("/import/", 500)
    assert len(server.seen) == 500
