"""The stream of the live page: server-sent events, each with the HTML of what has changed.

An event's id is the cutover's version. A browser that lost its connection says which id it saw last and gets everything
newer. More than necessary does no harm, because each fragment replaces the one with the same HTML id.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

from fleet.models import Cutover, role_of
from fleet.services import clock
from fleet.web.live import fragments, view_models
from fleet.web.live.listener import listener
from fleet.web.shared import Shared

T = TypeVar("T")

LOOK_S = 1.0  # how often it looks for changes without a notification from the broker
TOGETHER_S = 0.08  # changes within this time become one event
BEAT_S = 10.0  # how often it sends a comment, so that proxies and browsers keep the connection
ASK_S = 10.0  # how long a person who has logged out or lost their role may still listen


async def stream(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The view. Everybody who may see the page may listen."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    user = await request.auser()
    if not user.is_authenticated:
        return HttpResponse("log in first", status=401, content_type="text/plain")
    if await sync_to_async(role_of)(user) is None:
        return HttpResponse("a user without a role may not look", status=403, content_type="text/plain")
    if not await Cutover.objects.filter(pk=pk).aexists():
        return HttpResponse("there is no such cutover", status=404, content_type="text/plain")
    session = request.session.session_key or ""

    def may_look() -> bool:
        known = get_user_model().objects.filter(pk=user.pk).first()
        return known is not None and role_of(known) is not None and request.session.exists(session)

    viewer = Viewer(pk, user, cursor(request), get_token(request), may_look)
    response = StreamingHttpResponse(viewer.events(), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def cursor(request: HttpRequest) -> int:
    """The version that this browser has seen: as it says after a reconnect, or else as its page's address says."""
    for word in (request.headers.get("Last-Event-ID", ""), request.GET.get("after", "")):
        if re.fullmatch(r"[0-9]{1,18}", word):
            return int(word)
    return 0


async def _in_pool(look: Callable[[], T]) -> T:
    """Run this in a thread of the pool and close its database connection, because a stream lasts for hours."""

    def call() -> T:
        close_old_connections()
        try:
            return look()
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False)()


class Viewer:
    """One browser on one live page. seen: the version that it shows; may_look: whether its user is still logged in."""

    def __init__(self, pk: int, user: Any, seen: int, csrf: str, may_look: Callable[[], bool] = lambda: True) -> None:
        self.pk, self.user, self.csrf, self.may_look = pk, user, csrf, may_look
        self.seen = seen
        self.runs: frozenset[int] | None = None  # the terminals on its page, by run; None: not known yet
        self.parts: dict[str, str] = {}  # what it shows, by fragment

    async def events(self) -> AsyncIterator[bytes]:
        """The stream's bytes. It watches before the first look, so that no change falls between the two."""
        with listener.watch(self.pk) as changed:
            spoke = asked = time.monotonic()
            yield b"retry: 1000\n\n"
            while True:
                changed.clear()
                if time.monotonic() - asked > ASK_S:
                    if not await _in_pool(self.may_look):
                        return  # the browser comes again at once, and is told to log in
                    asked = time.monotonic()
                if event := await _in_pool(self._event):
                    yield event
                    spoke = time.monotonic()
                    await asyncio.sleep(TOGETHER_S)
                elif time.monotonic() - spoke > BEAT_S:
                    yield b": still here\n\n"
                    spoke = time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), LOOK_S)

    def _event(self) -> bytes:
        """What is new since the last look, as one event; empty if nothing is."""
        version = Cutover.objects.filter(pk=self.pk).values_list("version", flat=True).first()
        if version is None or (version == self.seen and self.runs is not None):
            return b""
        # The version is read first. What changes after that is newer than `seen`, so it comes again next time.
        now = _now.once((self.pk, version), lambda: Now.read(self.pk))
        own = fragments.render_parts(fragments.personal(now.ctx, self.user, self.csrf), fragments.OWN)
        parts = now.parts | own
        first, behind, joined = self.runs is None, version > self.seen, self.runs != now.runs
        fresh = [html for name, html in parts.items() if self.parts.get(name) != html]
        before, self.seen, self.runs, self.parts = self.seen, version, now.runs, parts
        if first and not behind:
            return b""  # the page was just loaded and shows all this already
        rest = _rest.once(
            (self.pk, before, version, joined), lambda: as_data(terminals_and_log(now.ctx, before, version, joined))
        )
        return b"id: %d\n%b%b\n" % (version, as_data("".join(fresh)), rest)


@dataclass(frozen=True, slots=True)
class Now:
    """A cutover as all users see it."""

    ctx: dict[str, Any]  # for templates
    parts: dict[str, str]  # HTML by fragment
    runs: frozenset[int]  # the terminals that take part

    @classmethod
    def read(cls, pk: int) -> "Now":
        """From the database."""
        cutover = Cutover.objects.select_related("site").get(pk=pk)
        ctx = fragments.common(cutover, clock.now())
        runs = frozenset(cutover.runs.filter(kind="terminal").values_list("pk", flat=True))
        return cls(ctx, fragments.render_parts(ctx, fragments.COMMON), runs)


_now: Shared = Shared()
_rest: Shared = Shared()


def terminals_and_log(shared: dict[str, Any], before: int, version: int, joined: bool) -> str:
    """The cells and rows that changed after version `before`, and the new lines of the log. joined: all cells and rows,
    because the page may not have the same terminals."""
    cutover = shared["cutover"]
    ctx = shared | {"log": view_models.lines(cutover, before, version)}
    if joined:
        table = view_models.rows(cutover, view_models.in_table(cutover))
        ctx |= {"whole": True, "cells": fragments.cells(cutover), "table": table}
    else:
        ctx |= {"cells": fragments.cells(cutover, before), "changed": fragments.changed_rows(cutover, before)}
    return render_to_string("fleet/live/_event.html", ctx)


def as_data(html: str) -> bytes:
    """HTML as lines of an event. Each line gets the prefix, so that a line break in a device's name cannot end the event."""
    return "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", html)).encode() if html else b""
