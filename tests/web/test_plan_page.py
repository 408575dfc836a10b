"""Planning: every field labelled, every error at its field, nothing typed is lost."""

import datetime as dt
import re

import pytest
from django.urls import reverse

from fleet.models import Cutover, Device
from tests.factories import NOW, certificate, make_club

PLAN = reverse("plan")


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)


def typed(site, **changes):
    """The form as it stands when the page is opened, with changes."""
    values = {
        "site": site.pk, "to_scheme": "https", "starts": "now", "starts_at": "", "duration_minutes": "60",
        "on_threshold": "roll_back", "on_window_close": "hold", "certificate": "newest", "exclude": "", "note": "",
        "wave0-amount": "1", "wave0-unit": "size", "wave0-allowed": "0", "wave0-allowed_unit": "max_failed",
        "wave1-amount": "100", "wave1-unit": "percent", "wave1-allowed": "10", "wave1-allowed_unit": "max_failed_percent",
        "do": "submit",
    }  # fmt: skip
    return values | changes


def invalid_fields(html: str) -> set[str]:
    """Names of the fields that are marked as wrong."""
    return set(re.findall(r'name="([^"]+)"[^>]*aria-invalid="true"', html))


def test_every_field_has_a_label(admin):
    make_club(2)
    html = admin.get(PLAN).content.decode()
    fields = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*id="(id_[^"]+)"', html)
    assert len(fields) > 15
    for field in fields:
        wrapped = re.search(rf'<label[^>]*><input[^>]*id="{field}"', html)
        assert wrapped or f'<label for="{field}"' in html or f'<label class="vh" for="{field}"' in html, field


def test_the_zone_stands_beside_the_start(admin):
    make_club(1, zone="Australia/Sydney")
    assert "Australia/Sydney" in admin.get(PLAN).content.decode()


def test_start_now_lands_on_the_live_page(admin, followed):
    site, _, _ = make_club(2)
    response = admin.post(PLAN, typed(site, do="start"))
    cutover = Cutover.objects.get()
    assert response["Location"] == reverse("cutover", args=[cutover.pk])
    assert cutover.state == "arming"
    assert len(followed) == 1


def test_start_and_schedule_ask_first_and_say_what_will_happen(admin):
    make_club(3)
    html = admin.get(PLAN).content.decode()
    for verb, label in (("start", "Start now"), ("schedule", "Schedule")):
        assert re.search(rf'<button[^>]*value="{verb}" data-opens="dialog-{verb}"[^>]*>{label}<', html)
        text = html[html.index(f'<dialog id="dialog-{verb}"') :]
        assert "all 3 terminals are cut off until each has switched too" in text
        assert re.findall(r"<button[^>]*>([^<]*)", text)[:2] == [label, "Cancel"]
        assert re.search(rf'<button form="plan"[^>]*value="{verb}"', text)


def test_the_dialogs_text_follows_the_form(admin):
    site, _, _ = make_club(12)
    html = admin.get(reverse("preview"), typed(site, exclude="T02")).content.decode()
    for verb in ("start", "schedule"):
        text = re.search(rf'<p id="says-{verb}" hx-swap-oob="true">([^<]*)', html)[1]
        assert text.startswith("At once every agent checks its settings and reports ready.")
        assert "all 11 terminals are cut off" in text
    html = admin.get(reverse("preview"), typed(site, starts="at", starts_at="2026-03-20T03:00")).content.decode()
    assert "On Fri 20 Mar 03:00 AEDT every agent" in html
    html = admin.get(reverse("preview"), typed(site, starts="at")).content.decode()
    assert "Choose a date and a time first." in html


def test_schedule_waits_for_its_window(admin, followed):
    site, _, _ = make_club(2)
    admin.post(PLAN, typed(site, do="schedule", starts="at", starts_at="2026-03-20T03:00"))
    assert Cutover.objects.get().state == "scheduled"


def test_the_preview_says_until_when_a_rollback_fits(admin):
    site, _, _ = make_club(2)
    html = admin.get(reverse("preview"), typed(site)).content.decode()
    assert "fits into the window until 03:59:42 AEDT" in html


def test_an_error_of_a_wave_names_the_row_it_stands_in(admin):
    site, _, _ = make_club(4)
    empty = {"wave1-amount": "", "wave2-amount": "101", "wave2-unit": "percent"}
    html = admin.post(PLAN, typed(site, **empty)).content.decode()
    assert "Wave 3: must be a whole number from 1 to 100." in html
    assert invalid_fields(html) == {"wave2-amount"}


def test_submit_waits_for_approval(admin):
    site, _, _ = make_club(2)
    admin.post(PLAN, typed(site))
    assert Cutover.objects.get().state == "submitted"


def test_what_cannot_start_is_kept_as_a_draft_with_the_reason(admin):
    site, server, _ = make_club(2)
    server.agent.delete()
    html = admin.post(PLAN, typed(site, do="start"), follow=True).content.decode()
    assert Cutover.objects.get().state == "draft"
    assert "Saved as a draft" in html
    assert "has no agent yet" in html


def test_a_site_with_two_persons_offers_no_start(admin):
    make_club(1, two_persons=True)
    html = admin.get(PLAN).content.decode()
    assert 'value="start"' not in html
    assert 'value="submit"' in html


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration_minutes": "0"}, "duration_minutes"),
        ({"duration_minutes": "many"}, "duration_minutes"),
        ({"starts": "at"}, "starts_at"),
        ({"starts": "at", "starts_at": "yesterday"}, "starts_at"),
        ({"starts": "at", "starts_at": "2020-01-01T03:00"}, "starts_at"),
        ({"to_scheme": "gopher"}, "to_scheme"),
        ({"exclude": "T01\nnobody"}, "exclude"),
        ({"certificate": "CD" * 20}, "certificate"),
        ({"exclude": "T01\nT02"}, "exclude"),
        ({"wave0-amount": "0"}, "wave0-amount"),
        ({"wave1-amount": "101"}, "wave1-amount"),
        ({"wave1-allowed": "101"}, "wave1-allowed"),
    ],
)
def test_an_error_names_its_field_and_nothing_is_lost(admin, changes, field):
    site, _, _ = make_club(2)
    html = admin.post(PLAN, typed(site, note="keep me", **changes)).content.decode()
    assert not Cutover.objects.exists()
    assert invalid_fields(html) == {field}
    assert 'role="alert"' in html
    assert 'value="keep me"' in html
    if field not in ("to_scheme", "starts_at"):  # a browser cannot send these; their fields cannot show them
        assert changes[field] in html


def test_a_window_past_the_certificates_end_is_an_error_of_the_certificate(admin):
    site, _, _ = make_club(2)
    html = admin.post(PLAN, typed(site, starts="at", starts_at="2030-02-01T03:00")).content.decode()
    assert not Cutover.objects.exists()
    assert invalid_fields(html) == {"certificate"}
    assert "ends on 2030-01-01 00:00 UTC, before the window opens: renew it" in html


def test_a_site_without_terminals_is_told_that_nothing_would_move(admin):
    site, _, _ = make_club(0)
    html = admin.post(PLAN, typed(site)).content.decode()
    assert not Cutover.objects.exists()
    assert invalid_fields(html) == {"exclude"}
    assert "the site has no terminals" in html


def test_a_local_time_that_does_not_exist_is_said_so(admin):
    site, _, _ = make_club(1, zone="Australia/Sydney")
    html = admin.post(PLAN, typed(site, starts="at", starts_at="2026-10-04T02:30")).content.decode()
    assert invalid_fields(html) == {"starts_at"}
    assert "does not exist" in html


def test_a_local_time_that_comes_twice_asks_which(admin):
    site, _, _ = make_club(1, zone="Australia/Sydney")
    twice = typed(site, starts="at", starts_at="2026-04-05T02:30")
    html = admin.post(PLAN, twice).content.decode()
    assert "occurs twice" in html
    assert 'name="which"' in html
    admin.post(PLAN, twice | {"which": "second"})
    assert Cutover.objects.get().starts_at == dt.datetime(2026, 4, 4, 16, 30, tzinfo=dt.UTC)


def test_local_time_is_the_sites(admin):
    site, _, _ = make_club(1, zone="Australia/Sydney")
    admin.post(PLAN, typed(site, starts="at", starts_at="2026-03-20T03:00"))
    assert Cutover.objects.get().starts_at == dt.datetime(2026, 3, 19, 16, 0, tzinfo=dt.UTC)


def test_waves_arrive_as_they_were_typed(admin):
    site, _, _ = make_club(4)
    admin.post(PLAN, typed(site, **{"wave0-amount": "2", "wave1-amount": "", "wave2-amount": "50", "wave2-unit": "percent"}))
    assert Cutover.objects.get().waves == [{"size": 2, "max_failed": 0}, {"percent": 50, "max_failed": 0}]


def test_the_preview_says_who_goes_when(admin):
    site, _, _ = make_club(12)
    html = admin.get(reverse("preview"), typed(site, exclude="T02")).content.decode()
    assert "11 terminals, 1 excluded" in html
    assert "T03 to T12" in html
    assert "Swap the URL reservation" in html
    assert "Restart Touch" not in html


def test_the_preview_says_which_terminals_restart_touch(admin):
    site, _, terminals = make_club(4)
    for terminal in terminals[:2]:
        Device.objects.filter(pk=terminal.pk).update(facts={"restart": {"how": "program", "limit_s": 60}})
    html = admin.get(reverse("preview"), typed(site, exclude="T02")).content.decode()
    assert '<li>Restart Touch <span class="soft">(1 of 3 terminals)</span></li>' in html
    html = admin.get(reverse("preview"), typed(site, exclude="T02\nT03\nT04")).content.decode()
    assert "<li>Restart Touch</li>" in html


@pytest.mark.parametrize(
    "facts", [{}, {"certificates": "none"}, {"certificates": [1, {"thumbprint": 5}]}, {"certificates": None}]
)
def test_strange_facts_do_not_break_the_form(admin, facts):
    _, server, _ = make_club(1)
    Device.objects.filter(pk=server.pk).update(facts=facts)
    assert admin.get(PLAN).status_code == 200


@pytest.mark.parametrize("unusable", [{"has_key": False}, {"machine_key": False}])
def test_a_certificate_without_a_key_of_the_servers_cannot_be_chosen(admin, unusable):
    _, server, _ = make_club(1)
    rows = [certificate(), certificate(thumbprint="CD" * 20, subject="CN=<b>x</b>", **unusable)]
    Device.objects.filter(pk=server.pk).update(facts={"certificates": rows})
    html = admin.get(PLAN).content.decode()
    assert re.search(rf'value="{"CD" * 20}"[^>]* disabled', html)
    assert "CN=&lt;b&gt;x" in html


def test_a_request_without_anything_is_answered(admin):
    make_club(1)
    assert admin.post(PLAN, {}).status_code == 200
    assert admin.post(PLAN, {"do": "start"}).status_code == 200
    assert admin.get(reverse("preview")).status_code == 200
