"""The home page: found at once, what needs attention first, 10,000 terminals as fast as ten."""

import re

import pytest
from django.urls import reverse

from fleet.api import queries
from fleet.models import Agent, Device, Site
from tests.factories import NOW, make_club, make_cutover, make_device, make_run, make_site


def names(response) -> list[str]:
    """Terminals in the order of the page."""
    return [d.name for d in response.context["page"].object_list]


def test_an_empty_fleet_says_what_to_do_next(admin):
    html = admin.get("/").content.decode()
    assert "No devices yet" in html
    assert reverse("import") in html


def test_what_needs_attention_comes_first(admin):
    site, _, (one, two, three) = make_club(3)
    Agent.objects.filter(device=two).update(connected=False)
    cutover = make_cutover(site, state="switching", started_at="2026-03-14T16:00:00Z")
    make_run(cutover, three, "failed", finding={"code": "x", "message": "Root missing.", "remedy": "Install it."})
    response = admin.get("/")
    assert names(response) == [three.name, two.name, one.name]
    assert "Root missing." in response.content.decode()


def test_a_warning_stays_until_an_admin_dismisses_it(admin, auditor):
    site, _, _ = make_club(1, warning={"code": "x", "message": "A <b>backup</b>.", "remedy": "Compare."})
    html = auditor.get("/").content.decode()
    assert "A &lt;b&gt;backup&lt;/b&gt;." in html
    assert auditor.post(reverse("dismiss", args=[site.pk])).status_code == 403
    admin.post(reverse("dismiss", args=[site.pk]))
    site.refresh_from_db()
    assert site.warning is None


def test_a_running_cutover_is_linked_on_top(admin):
    cutover = make_cutover(make_club(1)[0], state="switching")
    html = admin.get("/").content.decode()
    assert f'href="{reverse("cutover", args=[cutover.pk])}"' in html
    assert html.index("Watch it live") < html.index("Sites")


@pytest.mark.parametrize("word", ["zebra", "ZEB", "north wing", "back bar", "till.example", "grün"])
def test_search_finds_names_tags_notes_and_hosts(admin, word):
    site, _, _ = make_club(2)
    make_device(site, name="zebra", tags=["north wing", "grün"], note="the back bar", host="till.example")
    assert names(admin.get("/", {"q": word})) == ["zebra"]


def test_filters(admin):
    site, _, (one, two) = make_club(2)
    Device.objects.filter(pk=two.pk).update(scheme="https")
    Agent.objects.filter(device=one).update(connected=False)
    make_club(1)
    assert names(admin.get("/", {"scheme": "https"})) == [two.name]
    assert names(admin.get("/", {"contact": "no"})) == [one.name]
    assert len(names(admin.get("/", {"site": site.pk}))) == 2
    assert len(names(admin.get("/", {"site": "nonsense", "scheme": "ftp", "page": "x"}))) == 3


def test_htmx_gets_the_list_alone_but_history_gets_the_page(admin):
    make_club(1)
    part = admin.get("/", headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert "HX-Request" in part["Vary"]
    whole = admin.get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert b"<html" in whole.content


def test_each_terminal_carries_its_name_and_state(admin):
    site, _, (one, _) = make_club(2)
    make_run(make_cutover(site, state="switching"), one, "switching")
    html = admin.get("/").content.decode()
    assert 'data-terminal="T01" data-state="switching"' in html
    assert 'data-terminal="T02" data-state="none"' in html


def test_ten_thousand_terminals_cost_as_many_queries_as_ten(admin, django_assert_max_num_queries):
    """The list ten of them, as before there was a strip above it; the strip a fixed number more."""

    def fleet(terminals):
        site = make_site()
        rows = [Device(site=site, kind="terminal", name=f"T{i:05}") for i in range(terminals)]
        devices = Device.objects.bulk_create(rows)
        Agent.objects.bulk_create([Agent(device=d, public_key=str(d.pk), connected=True) for d in devices[: terminals // 2]])
        cutover = make_cutover(site, state="switching")
        for device in devices[:60]:
            make_run(cutover, device, "failed")

    fleet(10)
    with django_assert_max_num_queries(30) as small:
        admin.get("/")
    Site.objects.all().delete()
    fleet(10_000)
    with django_assert_max_num_queries(len(small)):
        response = admin.get("/")
    assert len(names(response)) == 50
    assert response.context["page"].paginator.num_pages == 200
    with django_assert_max_num_queries(10):
        response = admin.get("/?q=T0&page=3", headers={"HX-Request": "true"})
    assert len(names(response)) == 50


# --- needs attention ----------------------------------------------------------------------------------------


def row(html, name):
    """A terminal's row of the list."""
    return re.search(f'<tr data-terminal="{name}".*?</tr>', html, re.S)[0]


def test_a_fleet_in_order_has_no_strip(admin):
    make_club(2)
    assert "Needs attention" not in admin.get("/").content.decode()


def test_the_strip_stands_on_top_with_what_to_do(admin):
    _, _, (one, _) = make_club(2)
    Device.objects.filter(pk=one.pk).update(scheme="https")
    html = admin.get("/").content.decode()
    strip = html[html.index("Needs attention") : html.index('<h2 id="s">')]
    assert "T01 speaks HTTPS, its server speaks HTTP" in strip
    assert "Plan another cutover" in strip
    assert f'<a href="/terminals/{one.pk}/">T01</a>' in strip
    assert "Show all" not in strip


def test_pages_and_api_show_the_same_current_state(admin):
    """A cutover that is only scheduled has moved nothing yet."""
    site, _, (one, two) = make_club(2)
    make_run(make_cutover(site, state="completed", started_at=NOW, epoch=1), one, "verified")
    coming = make_cutover(site, state="scheduled", epoch=2)
    make_run(coming, one, "pending")
    make_run(coming, two, "pending")
    shown = dict(re.findall(r'<tr data-terminal="(\w+)" data-state="(\w+)"', admin.get("/").content.decode()))
    assert shown == {one.name: "verified", two.name: "none"}
    assert 'data-state="verified"' in admin.get(reverse("terminal", args=[one.pk])).content.decode()
    assert 'data-state="none"' in admin.get(reverse("terminal", args=[two.pk])).content.decode()
    told = queries.device_rows(queries.devices(Device.Kind.TERMINAL))
    assert {row["name"]: row["state"] for row in told} == {one.name: "verified", two.name: "idle"}


def test_beyond_ten_one_asks_for_all(admin, monkeypatch):
    site = make_site()
    make_device(site, "server")
    for number in range(13):
        make_device(site, name=f"T{number:02}", scheme="https")
    html = admin.get("/").content.decode()
    first, rest = html.split("<details><summary>Show all 13</summary>")
    assert (first.count('data-code="scheme_differs"'), rest.count('data-code="scheme_differs"')) == (10, 3)
    assert (first.count("Plan another cutover"), rest.count("Plan another cutover")) == (1, 1)  # the last says it for all
    assert "the most severe" not in html
    monkeypatch.setattr("fleet.services.attention.listing.LIMIT", 12)
    assert "Only the most severe are shown; 1 more is not." in admin.get("/").content.decode()


def test_a_terminal_in_another_scheme_is_not_green_or_grey(admin):
    site, server, (one, two) = make_club(2)
    Device.objects.filter(pk__in=[server.pk, two.pk]).update(scheme="https")
    cutover = make_cutover(site, state="completed", started_at="2026-03-14T16:00:00Z")
    for device in (one, two):
        make_run(cutover, device, "verified")
    response = admin.get("/")
    assert names(response) == ["T01", "T02"]
    html = response.content.decode()
    assert 'pill bad slim"><span aria-hidden="true">▲</span>HTTP, differs' in row(html, "T01")
    assert "On HTTPS" not in row(html, "T01")
    assert "Changed since" in row(html, "T01")
    assert "pill bad" not in row(html, "T02")
    # While a cutover is under way they differ because they are being moved.
    cutover.state = "switching"
    cutover.save()
    assert "pill bad" not in row(admin.get("/").content.decode(), "T01")


@pytest.mark.parametrize("state", ["failed", "restored", "verified", "late", "pending"])
def test_a_terminal_that_is_cut_off_is_red_whatever_its_state(admin, state):
    site, _, (one, two) = make_club(2)
    cutover = make_cutover(site, state="rolled_back", started_at="2026-03-14T16:00:00Z")
    make_run(cutover, one, "restored")
    make_run(cutover, two, state, cut_off_since="2026-03-14T16:00:00Z")
    response = admin.get("/")
    assert names(response) == ["T02", "T01"]
    html = row(response.content.decode(), "T02")
    assert html.count('pill bad slim"><span aria-hidden="true">✕</span>Cut off') == 1
    assert html.count(", cut off") == 1
    assert re.findall(r'class="pill (\w+) slim"', html) == ["bad", "ok", "bad"]  # scheme, contact, last cutover


def test_what_devices_say_in_the_strip_is_text(admin):
    _, _, (one,) = make_club(1)
    alarm = {"code": "<b>", "message": "<img src=x onerror=alert(1)>", "remedy": "<script>alert(2)</script>"}
    Agent.objects.filter(device=one).update(alarm=alarm)
    Device.objects.filter(pk=one.pk).update(name="<u>T01</u>")
    html = admin.get("/").content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    for raw in ("<img src=x", "<script>alert", 'data-code="<b>"', "<u>T01"):
        assert raw not in html


def test_hostile_names_are_text(admin):
    make_device(make_site(), name="<script>alert(1)</script>", note='"><img src=x onerror=alert(1)>', tags=["<b>"])
    html = admin.get("/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
