"""The stream: what changed arrives, once, as HTML for its place; a reconnect loses nothing."""

import asyncio
import re

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import reverse

from fleet.models import Cutover, DeviceRun, Role
from fleet.web.live import stream as live_stream
from fleet.web.live.listener import Listener
from tests.factories import NOW, make_club, make_cutover, make_run, make_transition, make_user


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Each test has its own database with the same numbers."""
    live_stream._now.clear()
    live_stream._rest.clear()


def change(cutover: Cutover, run: DeviceRun, state: str) -> None:
    """As a service does it: one transaction's worth of changes under one new version."""
    version = Cutover.objects.get(pk=cutover.pk).version + 1
    DeviceRun.objects.filter(pk=run.pk).update(state=state, version=version)
    make_transition(cutover, state, run, version=version, reason=f"became {state}")
    Cutover.objects.filter(pk=cutover.pk).update(version=version)


@pytest.fixture
def switching(transactional_db):
    site, server, devices = make_club(3)
    cutover = make_cutover(site, state="switching")
    make_run(cutover, server, "verified")
    return cutover, [make_run(cutover, d, "switching") for d in devices]


def viewer(cutover, seen=1):
    return live_stream.Viewer(cutover.pk, make_user(), seen, "token")


def test_a_page_that_is_up_to_date_gets_nothing(switching):
    assert viewer(switching[0])._event() == b""


def test_a_change_arrives_alone(switching):
    cutover, (one, two, _) = switching
    watcher = viewer(cutover)
    watcher._event()
    change(cutover, two, "verified")
    event = watcher._event().decode()
    assert event.startswith("id: 2\n")
    assert event.count('data-terminal="T02" data-state="verified"') == 2
    assert f'id="c{one.pk}"' not in event
    assert "became verified" in event
    assert watcher._event() == b""


def test_a_part_that_did_not_change_is_not_sent(switching):
    cutover, (one, *_) = switching
    watcher = viewer(cutover)
    watcher._event()
    change(cutover, one, "verified")
    event = watcher._event().decode()
    assert 'id="live-numbers"' in event
    assert 'id="live-controls"' not in event  # a swapped button would lose its focus for nothing


def test_who_approved_and_since_when_it_rests_arrive_without_a_reload(switching):
    cutover, runs = switching
    watcher = viewer(cutover)
    watcher._event()
    boss = make_user("boss")
    Cutover.objects.filter(pk=cutover.pk).update(approved_by=boss, ended_at=NOW, state="completed")
    change(cutover, runs[0], "verified")
    event = watcher._event().decode()
    assert "<dt>Approved by</dt><dd>boss</dd>" in event
    assert "ended 03:00:00" in event


def test_the_pill_names_the_wave_that_is_open(switching):
    cutover, (one, *rest) = switching
    DeviceRun.objects.filter(pk__in=[r.pk for r in rest]).update(wave=1)
    watcher = viewer(cutover)
    watcher._event()
    change(cutover, one, "verified")
    assert "wave 2 of 2" in watcher._event().decode()


def test_a_buttons_answer_tells_its_version(switching, monkeypatch):
    """The stream may be ahead of it: the page then takes its words alone."""
    from django.test import Client

    cutover, _ = switching
    monkeypatch.setattr("fleet.tasks.follow", lambda after: None)
    client = Client()
    client.force_login(make_user())
    answer = client.post(reverse("act", args=[cutover.pk, "pause"]), headers={"HX-Request": "true"}, secure=True)
    version = Cutover.objects.get(pk=cutover.pk).version
    assert f'<div id="alert" data-swap="outer" data-version="{version}"' in answer.content.decode()


def test_who_was_away_gets_everything_and_each_log_line_once(switching):
    cutover, runs = switching
    for run in runs:
        change(cutover, run, "verified")
    event = viewer(cutover, seen=2)._event().decode()
    assert event.startswith("id: 4\n")
    assert event.count('data-state="verified"') == 6
    assert 'id="rows"' in event
    assert event.count("became verified") == 2


def test_many_viewers_cost_one_rendering(switching, django_assert_max_num_queries):
    cutover, (one, *_) = switching
    watchers = [viewer(cutover) for _ in range(5)]
    for watcher in watchers:
        watcher._event()
    change(cutover, one, "verified")
    assert b"T01" in watchers[0]._event()
    with django_assert_max_num_queries(3):
        assert b"T01" in watchers[1]._event()


def test_terminals_that_join_bring_the_whole_grid(switching):
    cutover, _ = switching
    watcher = viewer(cutover)
    watcher._event()
    late = make_run(cutover, make_club(1)[2][0], "pending")
    change(cutover, late, "armed")
    event = watcher._event().decode()
    assert 'id="cells"' in event
    assert event.count("<li ") == 4


def test_line_breaks_in_a_name_do_not_end_the_event():
    assert live_stream.as_data("a\rb\nc\r\n\r\nd") == b"data: a\ndata: b\ndata: c\ndata: \ndata: d\n"


@pytest.mark.parametrize(
    ("header", "query", "seen"), [("7", "3", 7), ("", "3", 3), ("x", "3", 3), ("", "-1", 0), ("", "", 0), ("9" * 40, "2", 2)]
)
def test_the_cursor_is_the_browsers_word_first(header, query, seen):
    request = RequestFactory().get("/", {"after": query}, headers={"Last-Event-ID": header} if header else {})
    assert live_stream.cursor(request) == seen


@pytest.fixture
def listen(monkeypatch, switching):
    """listen() opens the stream of a logged-in auditor and returns the response and the session."""
    monkeypatch.setattr(live_stream, "LOOK_S", 0.01)

    async def open_it():
        request = AsyncRequestFactory().get(reverse("events", args=[switching[0].pk]), {"after": "1"})
        user = await sync_to_async(make_user)("ada", Role.AUDITOR)
        request.session = SessionStore()
        await request.session.acreate()

        async def auser():
            return user

        request.auser = auser
        return await live_stream.stream(request, switching[0].pk), request.session

    return open_it


@pytest.mark.django_db(transaction=True)
async def test_the_view_streams_a_change(listen, switching):
    cutover, (one, *_) = switching
    response, _ = await listen()
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"
    stream = response.streaming_content
    assert await anext(stream) == b"retry: 1000\n\n"
    waiting = asyncio.ensure_future(anext(stream))
    await sync_to_async(change)(cutover, one, "verified")
    event = (await asyncio.wait_for(waiting, 10)).decode()
    assert re.search(r'data-terminal="T01" data-state="verified"', event)
    await stream.aclose()
    await sync_to_async(connections.close_all, thread_sensitive=False)()


@pytest.mark.django_db(transaction=True)
async def test_a_notification_ends_the_pause_between_two_looks(switching, monkeypatch):
    monkeypatch.setattr(live_stream, "LOOK_S", 3600)
    monkeypatch.setattr(live_stream, "listener", Listener())
    cutover, (one, *_) = switching
    stream = (await sync_to_async(viewer)(cutover)).events()
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await sync_to_async(change)(cutover, one, "verified")
    live_stream.listener._hear("message", str(cutover.pk).encode())
    assert b"T01" in await asyncio.wait_for(waiting, 10)
    await stream.aclose()
    assert live_stream.listener._viewers == {}
    await sync_to_async(connections.close_all, thread_sensitive=False)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["logged out", "without a role", "deleted"])
async def test_whoever_has_logged_out_hears_no_more(listen, monkeypatch, how):
    monkeypatch.setattr(live_stream, "ASK_S", 0)
    response, session = await listen()
    stream = response.streaming_content
    assert await anext(stream) == b"retry: 1000\n\n"
    ada = get_user_model().objects.filter(username="ada")
    if how == "logged out":
        await session.aflush()
    elif how == "without a role":
        await sync_to_async(lambda: ada.get().groups.clear())()
    else:
        await ada.adelete()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(stream), 10)
    await sync_to_async(connections.close_all, thread_sensitive=False)()


@pytest.mark.parametrize(("role", "status"), [(None, 403), (Role.AUDITOR, 404)])
async def test_the_view_asks_who_is_there(role, status, transactional_db):
    user = await sync_to_async(make_user)("x", role)
    request = AsyncRequestFactory().get("/")

    async def auser():
        return user

    request.auser = auser
    assert (await live_stream.stream(request, 999)).status_code == status
