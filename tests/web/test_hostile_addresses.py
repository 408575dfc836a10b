"""Whatever is typed into the address line, whoever types it: never a 500, never a blank page, always a way on."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import reverse

from fleet.models import Role
from fleet.services import tokens
from fleet.web.urls import urlpatterns
from tests.factories import PASSWORD, make_club, make_cutover, make_run, make_user

NUMBERS = ("9" * 5000, "9" * 400, str(2**63), str(2**63 - 1), "0", "-1", "1e9", "٣", "²", "%00", "%ff", "x" * 3000)
QUERIES = (
    "site",
    "page",
    "after",
    "cutover",
    "q",
    "state",
    "scheme",
    "contact",
    "lookups",
    "hours",
    "asked",
    "starts_at",
    "next",
)
VERBS = ("get", "post", "head", "put", "patch", "delete", "options")
ROUTES = [(str(p.pattern), p.name) for p in urlpatterns]
STREAM = "events"


def filled(route: str, value: str) -> str:
    return "/" + re.sub(r"<[^>]+>", value, route)


def is_page(response) -> bool:
    """Not blank: a whole page with a heading, and for whoever is logged in with the menu."""
    html = response.content.decode()
    return "<h1" in html and 'class="top"' in html


@pytest.fixture
def here(db, followed):
    """A site with a cutover whose ids are all 1 where the database is fresh."""
    site, server, devices = make_club(2)
    cutover = make_cutover(site, state="completed")
    for device in (server, *devices):
        make_run(cutover, device, "verified")
    return cutover


@pytest.fixture(params=["stranger", "admin", "nobody"])
def anybody(request, here):
    """Somebody whose client gives back a 500 as a response, not as an exception."""
    client = Client(raise_request_exception=False)
    if request.param != "stranger":
        client.force_login(make_user("zoe", Role.ADMIN if request.param == "admin" else None))
    return client


@pytest.mark.parametrize(("route", "name"), [r for r in ROUTES if "<" in r[0] and r[1] != STREAM])
def test_any_number_in_any_path_with_any_verb(anybody, route, name):
    for value in NUMBERS:
        for verb in VERBS if value == NUMBERS[0] else ("get", "post"):
            response = getattr(anybody, verb)(filled(route, value))
            assert response.status_code < 500, (verb, value[:20])
            if response.status_code >= 400 and verb != "head":
                assert is_page(response), (verb, value[:20])


@pytest.mark.parametrize(("route", "name"), [r for r in ROUTES if r[1] not in (STREAM, "logout")])
def test_any_number_in_any_query_and_any_verb(anybody, here, route, name):
    address = filled(route, str(here.pk))
    for value in (NUMBERS[0], str(2**63), "²", "%00"):
        for fields in ([field] for field in QUERIES) if value == NUMBERS[0] else [QUERIES]:
            response = anybody.get(f"{address}?{'&'.join(f'{field}={value}' for field in fields)}")
            assert response.status_code < 500, (fields, value[:20])
    for verb in VERBS:
        response = getattr(anybody, verb)(address)
        assert response.status_code < 500, verb
        if response.status_code >= 400 and verb != "head":
            assert is_page(response), verb


@pytest.mark.parametrize("name", [n for r, n in ROUTES if n not in (STREAM, "logout")])
@pytest.mark.parametrize("value", [NUMBERS[0], "%00", "\0", "-1", "[]"])
def test_any_number_in_any_form(admin, here, name, value):
    admin.raise_request_exception = False
    route = next(r for r, n in ROUTES if n == name)
    names = ("site", "duration_minutes", "starts_at", "wave0-amount", "wave1-allowed", "certificate", "exclude", "thumbprint")
    names += ("rehearsal_hours", "rehearse_every_hours", "name", "note", "tags", "text", "zone", "username", "password")
    for extra in ({"do": "submit"}, {"do": "import"}, {"do": "look"}):
        response = admin.post(filled(route, str(here.pk)), dict.fromkeys(names, value) | {"starts": "at"} | extra)
        assert response.status_code < 500, extra


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("logged_in", [True, False])
def test_the_stream_with_any_number(followed, logged_in):
    client = AsyncClient(raise_request_exception=False)
    if logged_in:
        client.force_login(make_user("zoe"))
    for value in NUMBERS[:6]:
        for address in (f"/cutovers/{value}/events", f"/cutovers/987654321/events?after={value}"):
            response = async_to_sync(client.get)(address, headers={"Last-Event-ID": value})
            assert response.status_code in ((404,) if logged_in else (401, 404)), address[:40]
            assert response.content
    assert async_to_sync(client.post)("/cutovers/1/events").status_code == 405


@pytest.mark.parametrize("value", NUMBERS)
def test_the_api_with_any_number_and_any_verb(db, here, value):
    client = Client(raise_request_exception=False)
    token = {"Authorization": f"Bearer {tokens.create(make_user('zoe'), 'tests')}"}
    document = client.get("/api/v1/openapi.json").json()
    for path, verbs in document["paths"].items():
        names = {p["name"] for v in verbs.values() for p in v.get("parameters", []) if p["in"] == "query"}
        there = re.sub(r"\{\w+\}", "1", path)
        addresses = [re.sub(r"\{\w+\}", value, path)] + [f"{there}?{name}={value}" for name in names]
        for address in addresses:
            for verb in VERBS[:6]:
                response = client.generic(verb.upper(), address, b"{}", "application/json", headers=token)
                assert response.status_code < 500, (verb, address[:60])
                if response.status_code >= 400:
                    assert response["Content-Type"] == "application/problem+json"


ACTIONS = [("act", "pause"), ("dismiss", ""), ("revoke", ""), ("token", ""), ("rehearse", ""), ("policy", ""), ("logout", "")]


@pytest.mark.parametrize(("name", "verb"), ACTIONS)
def test_an_actions_address_opened_as_a_page_leads_on(admin, here, name, verb):
    device = here.runs.first().device
    parts = {"act": [here.pk, verb], "dismiss": [here.site_id], "revoke": ["x"], "token": [device.pk], "logout": []}
    response = admin.get(reverse(name, args=parts.get(name, [here.site_id])))
    html = response.content.decode()
    assert response.status_code == 405
    assert response["Allow"]
    assert 'aria-label="Main"' in html
    assert "nothing was changed" in html
    ways = {"act": reverse("cutover", args=[here.pk]), "revoke": reverse("agents"), "token": reverse("agents")}
    ways |= {n: reverse("readiness", args=[here.site_id]) for n in ("rehearse", "policy")}
    way = ways.get(name, reverse("fleet"))
    assert f'<a class="button" href="{way}">' in html
    assert admin.get(way).status_code == 200
    here.refresh_from_db()
    assert here.state == "completed"


@pytest.mark.parametrize("path", ["/nowhere/", "/cutovers/999/", "/static/none.css"])
def test_not_found_has_the_menu_and_says_what_to_do(admin, path):
    response = admin.get(path)
    html = response.content.decode()
    assert response.status_code == 404
    assert 'aria-label="Main"' in html
    assert ">Plan cutover<" in html
    assert "Use the menu to find it." in html


def test_not_allowed_names_the_role_and_has_the_menu(auditor, nobody):
    html = auditor.get(reverse("plan")).content.decode()
    assert "Your role, auditor, does not allow this." in html
    assert 'aria-label="Main"' in html
    assert "Your user has no role yet. Ask an admin for one." in nobody.get("/").content.decode()


def _broken(*args, **kwargs):
    raise RuntimeError("this page is broken")


def test_a_page_that_breaks_keeps_the_menu(admin, monkeypatch):
    admin.raise_request_exception = False
    monkeypatch.setattr("fleet.web.cutovers.paged", _broken)
    response = admin.get(reverse("cutovers"))
    html = response.content.decode()
    assert response.status_code == 500
    assert 'aria-label="Main"' in html
    assert "the agents continue" in html
    assert "RuntimeError" not in html


def test_where_nothing_works_there_still_is_a_menu(admin, monkeypatch):
    admin.raise_request_exception = False
    monkeypatch.setattr("fleet.web.view_helpers.role_of", _broken)
    monkeypatch.setattr("fleet.web.errors.role_of", _broken)
    response = admin.get("/")
    html = response.content.decode()
    assert response.status_code == 500
    assert 'aria-label="Main"' in html
    assert "the agents continue" in html


def test_a_form_of_thousands_of_fields_gets_a_page(admin):
    admin.raise_request_exception = False
    response = admin.post(reverse("plan"), {f"f{i}": "x" for i in range(1200)})
    assert response.status_code == 400
    assert 'aria-label="Main"' in response.content.decode()


def test_a_stranger_is_shown_the_log_in_page_by_it(db):
    make_user("ada")
    client = Client()
    assert client.get("/?site=" + "9" * 5000)["Location"].startswith("/login/?next=")
    answer = client.post("/login/", {"username": "ada", "password": PASSWORD, "next": "/?site=" + "9" * 5000})
    assert client.get(answer["Location"]).status_code == 200
