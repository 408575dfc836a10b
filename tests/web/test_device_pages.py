"""A device's page: evidence of every step, and words that only an admin changes."""

import pytest
from django.urls import reverse

from fleet.models import Agent, Device, Inquiry, Role
from tests.factories import make_club, make_cutover, make_device, make_run, make_site, make_step, make_user


def test_steps_are_shown_with_their_evidence(auditor):
    site, _, (terminal,) = make_club(1)
    run = make_run(make_cutover(site, state="completed"), terminal, "verified", outage_ms=1900)
    make_step(run, "member_lookup", evidence={"tls": "TLSv1.3", "thumbprint": "AB" * 20}, took_ms=340)
    make_step(run, "secured", direction="back")
    make_step(run, "step_of_tomorrow")
    html = auditor.get(reverse("terminal", args=[terminal.pk])).content.decode()
    for text in ("Member lookup", "TLSv1.3", "AB" * 20, "0.3 s", "Undone: Secured", "1.9 s", "step_of_tomorrow"):
        assert text in html


def test_the_server_shows_what_is_on_the_machine(auditor):
    _, server, _ = make_club(1)
    facts = server.facts | {
        "urlacl": [{"url": "http://+:10101/", "sddl": "D:(A;;GX;;;NS)"}],
        "sslcert": [{"endpoint": "0.0.0.0:10101", "certhash": "CD" * 20}],
        "services": [{"name": "NetPOS.Net", "state": "running", "start_type": "auto"}],
    }
    Device.objects.filter(pk=server.pk).update(facts=facts)
    html = auditor.get(reverse("server", args=[server.pk])).content.decode()
    for text in ("CN=netpos.club.example", "http://+:10101/", "CD" * 20, "NetPOS.Net"):
        assert text in html


@pytest.mark.parametrize("facts", [[], "x", {"certificates": {"a": 1}, "urlacl": "x", "sslcert": [1], "services": None}])
def test_strange_facts_do_not_break_the_page(auditor, facts):
    _, server, _ = make_club(1)
    Device.objects.filter(pk=server.pk).update(facts=facts)
    assert auditor.get(reverse("server", args=[server.pk])).status_code == 200


def test_a_terminal_is_not_found_as_a_server(auditor):
    _, server, (terminal,) = make_club(1)
    assert auditor.get(reverse("server", args=[terminal.pk])).status_code == 404
    assert auditor.get(reverse("terminal", args=[server.pk])).status_code == 404


def test_an_admin_renames_and_tags(admin):
    terminal = make_device(make_site())
    admin.post(reverse("terminal", args=[terminal.pk]), {"name": " Bar 7 ", "note": "left", "tags": "bar, bar, ,north"})
    terminal.refresh_from_db()
    assert (terminal.name, terminal.note, terminal.tags) == ("Bar 7", "left", ["bar", "north"])


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00b", "a,b", "a\u202eb", "other"])
def test_a_wrong_name_is_said_at_its_field_and_kept(admin, name):
    site = make_site()
    make_device(site, name="other")
    terminal = make_device(site, name="Bar 1")
    html = admin.post(reverse("terminal", args=[terminal.pk]), {"name": name, "note": "my note", "tags": ""}).content.decode()
    assert 'aria-invalid="true"' in html
    assert 'role="alert"' in html
    assert 'value="my note"' in html
    terminal.refresh_from_db()
    assert terminal.name == "Bar 1"


def test_a_device_that_needs_a_person_has_its_steps_by_hand(auditor):
    site, server, (terminal, *_) = make_club(1)
    cutover = make_cutover(site, state="needs_person", direction="back", certificate_thumbprint="AB" * 20)
    finding = {"code": "lost_contact", "message": "Silent.", "remedy": "Look."}
    make_run(cutover, terminal, "undo_failed", finding=finding)
    make_run(cutover, server, "undo_failed", finding=finding)
    assert "Untick Secured." in auditor.get(f"/terminals/{terminal.pk}/").content.decode()
    assert "netsh http delete sslcert ipport=0.0.0.0:10101" in auditor.get(f"/server/{server.pk}/").content.decode()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"touch": {"running": True, "since_ms": 1_790_000_000_000}}, "runs since Tue 22 Sep 00:13:20"),
        ({"touch": {"running": True}}, "runs"),
        ({"touch": {"running": False}, "restart": {"how": "program"}}, "is closed; Touch is restarted in a cutover"),
        ({"touch": {"running": None}, "restart": {"how": "reboot"}}, "The terminal is restarted in a cutover"),
    ],
)
def test_a_terminal_shows_whether_touch_runs_and_how_it_is_restarted(auditor, facts, said):
    terminal = make_device(make_site(), facts=facts)
    html = auditor.get(reverse("terminal", args=[terminal.pk])).content.decode()
    assert f"<dt>Touch</dt><dd>{said}</dd>" in html


@pytest.mark.parametrize(
    "facts", [{}, {"touch": {"running": None}}, {"touch": [1], "restart": 5}, {"touch": {"since_ms": 1e30}}]
)
def test_of_a_touch_that_nobody_knows_nothing_is_shown(auditor, facts):
    terminal = make_device(make_site(), facts=facts)
    html = auditor.get(reverse("terminal", args=[terminal.pk])).content.decode()
    assert "<dt>Touch</dt>" not in html


@pytest.mark.parametrize(("facts", "said"), [({}, False), ({"restart": {"how": "program"}}, True)])
def test_by_hand_touch_is_restarted_where_it_must_be(auditor, facts, said):
    site, _, (terminal,) = make_club(1)
    Device.objects.filter(pk=terminal.pk).update(facts=facts)
    finding = {"code": "touch_busy", "message": "Touch did not close.", "remedy": "Finish the sale."}
    make_run(make_cutover(site, state="needs_person"), terminal, "failed", finding=finding)
    html = auditor.get(reverse("terminal", args=[terminal.pk])).content.decode()
    assert "Refresh Interface List" in html
    assert ("Close Touch and start it again" in html) == said


def test_a_terminals_page_lets_it_ask_the_server_now(client, db):
    site, server, (terminal, _) = make_club(2)
    client.force_login(make_user())
    page = client.get(f"/terminals/{terminal.pk}/").content.decode()
    assert f'action="/sites/{site.pk}/try/"' in page
    assert f'<input type="hidden" name="terminal" value="{terminal.name}">' in page
    asked = client.post(f"/sites/{site.pk}/try/", {"terminal": terminal.name})
    assert asked["Location"] == f"/sites/{site.pk}/#try"
    assert sorted(Inquiry.objects.values_list("device__name", flat=True)) == sorted([server.name, terminal.name])
    Agent.objects.update(connected=False)
    assert "Ask the server now" not in client.get(f"/terminals/{terminal.pk}/").content.decode()
    client.force_login(make_user(role=Role.AUDITOR))
    assert "Ask the server now" not in client.get(f"/terminals/{terminal.pk}/").content.decode()
