"""A session that ends while somebody works: they log in, are where they were, and have what they had typed."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from fleet.models import Cutover, Role
from fleet.web import entry
from tests.factories import PASSWORD, make_club, make_cutover, make_user
from tests.web.test_plan_page import PLAN, typed

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/cutovers/plan/?site=1"}


@pytest.fixture
def ada(db, followed):
    return make_user("ada", Role.ADMIN)


@pytest.fixture
def out():
    """A browser whose session has ended."""
    return Client()


def log_in(client, answer) -> str:
    """Log in on the page that this answer leads to; the page that follows, as HTML."""
    address = answer.headers.get("Location") or answer.headers["HX-Redirect"]
    assert address.startswith("/login/?next=")
    html = client.get(address).content.decode()
    onward = re.search(r'name="next" value="([^"]*)"', html)[1]
    return client.post(address, {"username": "ada", "password": PASSWORD, "next": onward}, follow=True).content.decode()


def test_a_plan_that_was_typed_is_there_again_after_the_log_in(ada, out):
    site, _, _ = make_club(3)
    plan = typed(site, note="ring <Kim> first", exclude="T02", duration_minutes="95", starts="at", starts_at="2026-12-01T03:00")
    html = log_in(out, out.post(PLAN, plan | {"password": "s3cret"}))
    assert not Cutover.objects.exists(), "nothing is planned that nobody has pressed for"
    assert "This is what you had typed before you logged in. Nothing was planned yet." in html
    assert 'value="ring &lt;Kim&gt; first"' in html
    assert ">T02</textarea>" in html
    assert 'value="95"' in html
    assert 'value="2026-12-01T03:00"' in html
    assert "s3cret" not in str(dict(out.session))
    assert "what you had typed" not in out.get(PLAN).content.decode(), "once"


def test_typing_on_after_the_log_out_leads_to_the_log_in_page_and_back(ada, out):
    site, _, _ = make_club(3)
    answer = out.get(reverse("preview"), typed(site, note="half a wo"), headers=HTMX)
    assert (answer.status_code, answer.content) == (200, b"")
    assert 'value="half a wo"' in log_in(out, answer)


def test_a_session_that_waited_for_typing_lasts_as_long_as_any_other(ada, out):
    site, _, _ = make_club(1)
    answer = out.post(PLAN, typed(site))
    assert out.session.get_expiry_age() == entry.WAITS_S
    log_in(out, answer)
    assert out.session.get_expiry_age() > 24 * 3600


def test_a_terminals_note_and_an_import_survive_too(ada, out):
    site, _, (one,) = make_club(1)
    address = reverse("terminal", args=[one.pk])
    html = log_in(out, out.post(address, {"name": "Bar 9", "note": "by the door", "tags": "bar"}))
    assert 'value="Bar 9"' in html
    assert 'value="by the door"' in html
    out.logout()
    html = log_in(out, out.post(reverse("import"), {"site": site.pk, "text": "name\nBar 10", "zone": "UTC", "do": "look"}))
    assert "name\nBar 10</textarea>" in html


@pytest.mark.parametrize("fields", [{"note": "x" * (entry.MOST_TYPED + 1)}, {}])
def test_what_is_too_much_or_nothing_is_not_kept(ada, out, fields):
    out.post(PLAN, fields)
    assert not Session.objects.exists()


def test_strangers_cannot_fill_the_database(ada, out, monkeypatch):
    monkeypatch.setattr(entry, "MOST_STRANGERS", 2)
    for _ in range(5):
        Client().post(PLAN, {"note": "x"})
    assert Session.objects.count() == 2


def test_nothing_is_kept_of_other_addresses(ada, out):
    cutover = make_cutover(make_club(1)[0])
    out.post(reverse("act", args=[cutover.pk, "start"]), {"note": "x"})
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("name", "args", "onward"),
    [
        ("act", ["start"], "cutover"),
        ("confirm", ["roll_back"], "cutover"),
        ("rehearse", [], "readiness"),
        ("preview", [], "plan"),
    ],
)
def test_after_the_log_in_one_is_on_a_page_and_nothing_was_done(ada, out, name, args, onward):
    cutover = make_cutover(make_club(1)[0])
    pk = cutover.site_id if onward == "readiness" else cutover.pk
    address = reverse(name, args=[] if name == "preview" else [pk, *args])
    ask = out.get if name in ("preview", "confirm") else out.post
    answer = ask(address)
    html = log_in(out, answer)
    assert reverse(onward, args=[] if onward == "plan" else [pk]) in answer["Location"].replace("%2F", "/")
    assert "<h1" in html
    cutover.refresh_from_db()
    assert cutover.state == "draft"


@pytest.mark.parametrize("name", ["fleet", "audit", "readiness_progress", "act", "preview"])
def test_htmx_is_sent_to_the_log_in_page_and_never_swaps_it_in(ada, out, name):
    cutover = make_cutover(make_club(1)[0])
    args = {"readiness_progress": [cutover.site_id], "act": [cutover.pk, "pause"]}.get(name, [])
    ask = out.post if name == "act" else out.get
    answer = ask(reverse(name, args=args), headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/login/?next=/cutovers/plan/%3Fsite%3D1"
    assert not answer.content


def test_htmx_that_names_another_site_leads_nowhere_else(ada, out):
    answer = out.get("/", headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/x"})
    assert answer["HX-Redirect"] == "/login/?next=/"


# --- a form that is older than the last log-in: its token is not good any more


def strict(ada) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    client.get(PLAN)
    return client


def test_a_form_that_is_too_old_gets_its_page_again_with_what_was_typed(ada):
    site, _, _ = make_club(2)
    client = strict(ada)
    old = typed(site, note="keep me", csrfmiddlewaretoken="x" * 64)
    answer = client.post(PLAN, old, headers={"Origin": "http://testserver"})
    assert (answer.status_code, answer["Location"]) == (302, PLAN)
    html = client.get(PLAN).content.decode()
    assert "Nothing was changed: this page was loaded before the last log-in." in html
    assert 'value="keep me"' in html
    assert not Cutover.objects.exists()


def test_a_button_that_is_too_old_does_nothing_and_says_so(ada):
    cutover = make_cutover(make_club(1)[0])
    client, here = strict(ada), reverse("cutover", args=[cutover.pk])
    address = reverse("act", args=[cutover.pk, "start"])
    answer = client.post(address, headers={"Origin": "http://testserver"})
    assert answer["Location"] == here
    headers = {"Origin": "http://testserver", "HX-Request": "true", "HX-Current-URL": f"http://testserver{here}"}
    assert client.post(address, headers=headers)["HX-Redirect"] == here
    cutover.refresh_from_db()
    assert cutover.state == "draft"


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_a_form_of_another_site_gets_a_page_and_leaves_nothing_behind(ada, origin):
    site, _, _ = make_club(2)
    client = strict(ada)
    answer = client.post(PLAN, typed(site, note="evil"), headers=origin)
    html = answer.content.decode()
    assert answer.status_code == 403
    assert "This form has expired" in html
    assert 'aria-label="Main"' in html
    assert "evil" not in client.get(PLAN).content.decode()


def test_a_log_in_page_that_is_too_old_is_shown_again(db):
    make_user("ada")
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"username": "ada", "password": PASSWORD}, headers={"Origin": "http://testserver"})
    assert answer["Location"] == "/login/"
    html = client.get("/login/").content.decode()
    assert "Nothing was changed" in html
    assert PASSWORD not in str(dict(client.session))
