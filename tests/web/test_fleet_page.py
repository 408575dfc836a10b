"""The home page: found at once, what needs attention first, 10,000 terminals as fast as ten."""

import pytest
from django.urls import reverse

from fleet.models import Agent, Device
from tests.factories import make_club, make_cutover, make_device, make_run, make_site


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


def test_ten_thousand_terminals_cost_ten_queries(admin, django_assert_max_num_queries):
    site = make_site()
    devices = Device.objects.bulk_create([Device(site=site, kind="terminal", name=f"T{i:05}") for i in range(10_000)])
    Agent.objects.bulk_create([Agent(device=d, public_key=str(d.pk), connected=True) for d in devices[:5000]])
    cutover = make_cutover(site, state="switching")
    for device in devices[:60]:
        make_run(cutover, device, "failed")
    with django_assert_max_num_queries(10):
        response = admin.get("/")
    assert len(names(response)) == 50
    assert response.context["page"].paginator.num_pages == 200
    with django_assert_max_num_queries(10):
        assert len(names(admin.get("/?q=T0&page=3"))) == 50


def test_hostile_names_are_text(admin):
    make_device(make_site(), name="<script>alert(1)</script>", note='"><img src=x onerror=alert(1)>', tags=["<b>"])
    html = admin.get("/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
