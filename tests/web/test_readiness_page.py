"""The Readiness page: one verdict, every finding with its remedy and its terminal, and a button that rehearses."""

import csv
import io
import re

import pytest
from django.urls import reverse

from fleet.models import Rehearsal, TerminalCheck
from fleet.preflight.cost.measured import Change, Cost
from fleet.preflight.cost.quantiles import Estimate
from fleet.services.errors import Conflict
from fleet.web.readiness.view_models import change_rows
from tests.factories import NOW, make_club, make_cutover
from tests.preflight.site import THUMBPRINT
from tests.rehearsed import HOUR, make_rehearsed


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)


def page(client, site, **query) -> str:
    response = client.get(reverse("readiness", args=[site.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def verdict(html: str) -> str:
    return re.search(r'data-verdict="(\w+)"', html)[1]


def codes(html: str, level: str) -> list[str]:
    """Codes shown at this level, in order."""
    sections = dict(re.findall(r'data-level="(\w+)">(.*?)</section>', html, re.S))
    return re.findall(r'data-code="(\w+)"', sections.get(level, ""))


def start_asking(site) -> Rehearsal:
    """A rehearsal in which one of two terminals has answered."""
    running = Rehearsal.objects.create(site=site, thumbprint=THUMBPRINT, state="asking", deadline_at=NOW + HOUR)
    for device in site.devices.filter(kind="terminal").select_related("agent")[:2]:
        TerminalCheck.objects.create(rehearsal=running, device=device, agent=device.agent, action="ask")
    running.checks.filter(pk=running.checks.first().pk).update(answered_at=NOW)
    return running


def test_a_site_in_order_is_ready_and_folds_what_is_fine(admin):
    site, _ = make_rehearsed(5)
    html = page(admin, site)
    assert verdict(html) == "ready"
    assert codes(html, "error") == codes(html, "warning") == []
    assert "certificate_good" in codes(html, "fine")
    assert "Rehearse now" in html
    assert "hx-get" not in html  # nothing is under way, so nothing is asked for


def test_what_blocks_stands_first_with_its_remedy_and_a_link(admin):
    site, rehearsal = make_rehearsed(3)
    rehearsal.checks.filter(device__name="T001").update(answered_at=None)
    html = page(admin, site)
    assert verdict(html) == "blocked"
    assert codes(html, "error") == ["seat_no_answer"]
    assert re.search(r"Blockers</span>\s+\(1\)</h2>", html)
    assert re.search(r"Passed</span>\s+\(\d+\)</h2>", html)
    terminal = reverse("terminal", args=[site.devices.get(name="T001").pk])
    assert f'<a href="{terminal}">T001</a> did not answer' in html
    assert "exclude it from the cutover by name" in html
    assert html.index('data-level="error"') < html.index('data-level="info"')


def test_many_of_the_same_are_folded_but_all_there(admin):
    site, rehearsal = make_rehearsed(30)
    rehearsal.checks.update(answered_at=None)
    html = page(admin, site)
    assert "18 more" in html
    assert html.count("did not answer") == 30


def test_before_the_first_rehearsal_the_page_says_what_to_do(admin, auditor):
    site, _, _ = make_club(2)
    assert "Press Rehearse now" in page(admin, site)
    html = page(auditor, site)
    assert "An admin starts it" in html
    assert "<button>Get advice" in html
    assert reverse("rehearse", args=[site.pk]) not in html


def test_the_button_begins_a_rehearsal_with_the_chosen_certificate(admin, followed):
    site, _ = make_rehearsed(2)
    response = admin.post(reverse("rehearse", args=[site.pk]), {"thumbprint": THUMBPRINT})
    assert response["Location"] == reverse("readiness", args=[site.pk])
    running = Rehearsal.objects.get(state="opening")
    assert running.thumbprint == THUMBPRINT
    assert [after.rehearse for after in followed] == [{running.pk}]


def test_a_refusal_is_said_and_nothing_follows(admin, followed, monkeypatch):
    site, _ = make_rehearsed(2)
    monkeypatch.setattr(
        "fleet.services.rehearsals.lifecycle.start", lambda *args: (_ for _ in ()).throw(Conflict("one is under way"))
    )
    html = admin.post(reverse("rehearse", args=[site.pk]), follow=True).content.decode()
    assert "Not started." in html
    assert followed == []


@pytest.mark.parametrize("role", ["auditor", "approver"])
def test_only_an_admin_rehearses_or_changes_what_is_asked_for(role, request):
    client = request.getfixturevalue(role)
    site, _ = make_rehearsed(2)
    for name in ("rehearse", "policy"):
        assert client.post(reverse(name, args=[site.pk])).status_code == 403
    assert Rehearsal.objects.count() == 1


def test_while_it_is_under_way_the_page_asks_once_a_second_and_then_no_more(admin):
    site, _ = make_rehearsed(2)
    running = start_asking(site)
    assert 'hx-trigger="every 1s"' in page(admin, site)
    address = reverse("readiness_progress", args=[site.pk])
    part = admin.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "1 of 2 terminals have answered" in part
    assert 'aria-live="polite"' in part
    assert "<html" not in part
    Rehearsal.objects.filter(pk=running.pk).update(state="done", finished_at=NOW)
    over = admin.get(address, headers={"HX-Request": "true"})
    assert over.headers["HX-Refresh"] == "true"
    assert admin.get(address)["Location"] == reverse("readiness", args=[site.pk])


def test_the_policy_is_kept_and_a_wrong_number_names_its_field(admin):
    site, _ = make_rehearsed(2)
    address = reverse("policy", args=[site.pk])
    assert (
        "Saved." in admin.post(address, {"rehearsal_hours": "48", "rehearse_every_hours": "24"}, follow=True).content.decode()
    )
    site.refresh_from_db()
    assert (site.rehearsal_hours, site.rehearse_every_hours) == (48, 24)
    for wrong in ("x", "-1", "٣", "1.5", "0", "99999999999"):
        html = admin.post(address, {"rehearsal_hours": wrong, "rehearse_every_hours": "24"}, follow=True).content.decode()
        assert "Not saved." in html
        assert "rehearsal_hours" in html
    admin.post(address, {"rehearsal_hours": "", "rehearse_every_hours": ""})
    site.refresh_from_db()
    assert (site.rehearsal_hours, site.rehearse_every_hours) == (None, 0)


def test_the_price_is_shown_with_its_interval_and_the_days_traffic(admin):
    site, _ = make_rehearsed(30)
    html = page(admin, site, asked="1", lookups="2500", hours="10", same_lan="on", wifi_apart="on")
    assert "25,000 lookups" in html
    assert "The network does not require HTTPS" in html
    assert "a real difference" in html
    assert "no measurable difference" in html
    assert html.count('class="rail"') == 5
    assert "style=" not in html


def test_terminals_that_measured_twice_are_counted_once(admin):
    site, first = make_rehearsed(24)
    same = {"thumbprint": first.thumbprint, "state": "done", "facts": first.facts, "finished_at": first.finished_at}
    again = Rehearsal.objects.create(site=site, deadline_at=NOW, **same)
    for seat in first.checks.all():
        TerminalCheck.objects.create(rehearsal=again, device=seat.device, answered_at=NOW, facts=seat.facts)
    html = page(admin, site)
    assert "Measured by 24 terminals of this site in 2 rehearsals, alternating" in html


def _change(low, high, *, typical=True, slow=True):
    nine, p50 = Estimate(9.0, low, high), Estimate(3.0, 2.0, 4.0)
    return Change("new", p50, nine, 10.0, nine.moved(10.0), typical_differs=typical, slow_differs=slow)


@pytest.mark.parametrize(
    ("change", "between", "told"),
    [
        (_change(2.0, 20.0), "95 % confidence: +2.0 ms to +20.0 ms", "a real difference"),
        (
            _change(-9.4, 145.0, slow=False),
            "95 % confidence: −9.4 ms to +145 ms",
            "the typical lookup differs; the slow ones",
        ),
        (
            _change(-1.0, 1.0, typical=False, slow=False),
            "95 % confidence: −1.0 ms to +1.0 ms",
            "no measurable difference",
        ),
        (
            _change(-1.0, None, slow=False),
            "95 % confidence: at least −1.0 ms; too few measurements for an upper",
            "the typical",
        ),
        (
            _change(None, 4.0, slow=False),
            "95 % confidence: at most +4.0 ms; too few measurements for a lower",
            "the typical",
        ),
        (_change(None, None, slow=False), "too few measurements to say", ""),
    ],
)
def test_an_interval_and_what_is_said_of_it_agree(change, between, told):
    (row,) = change_rows(Cost(1, 1, (), (change,), None, None), {})
    assert row["between"].startswith(between)
    assert row["told"].startswith(told)
    assert bool(row["told"]) is bool(told)
    assert ("real difference" in row["told"]) <= ((change.p95.low or 0) > 0 or (change.p95.high or 0) < 0)
    assert "not known" not in row["between"]


def test_one_round_of_measurements_is_said_to_be_too_few(admin):
    site, _ = make_rehearsed(1)
    html = page(admin, site)
    assert "not known" not in html
    assert "too few measurements" in html


def test_what_a_handshake_costs_the_server_is_said_or_said_to_be_unknown(admin):
    site, rehearsal = make_rehearsed(3)
    html = page(admin, site)
    assert "spends 2.4 ms on a full handshake" in html
    assert "a day for handshakes" in html
    del rehearsal.facts["cpu_ms"]  # through http.sys it cannot be measured
    rehearsal.save()
    html = page(admin, site)
    assert "The processor time of a handshake was not measured" in html
    assert "full handshake" not in html
    assert "a day for handshakes" not in html


def test_a_wrong_number_is_said_at_its_field_and_the_rest_of_the_page_stays(admin):
    site, _ = make_rehearsed(3)
    html = page(admin, site, asked="1", lookups="many", hours="25")
    assert set(re.findall(r'name="([^"]+)"[^>]*aria-invalid="true"', html)) == {"lookups", "hours"}
    assert 'value="many"' in html
    assert verdict(html) == "ready"


def test_after_the_cutover_what_it_became_stands_beside_the_prediction(admin):
    site, _ = make_rehearsed(30)
    cutover = make_cutover(site, state="completed", started_at=NOW, epoch=4)
    measured = Rehearsal.objects.create(site=site, after=cutover, thumbprint="AB" * 20, state="done", deadline_at=NOW)
    facts = {"samples": {"https_new": [16.0, 17.0], "https_kept": [8.0]}}
    for device in site.devices.filter(kind="terminal"):
        TerminalCheck.objects.create(rehearsal=measured, device=device, answered_at=NOW, facts=facts)
    html = page(admin, site)
    assert "after the cutover 17.0 ms (60 lookups), as predicted" in html
    assert verdict(html) == "ready"  # what was measured afterwards is no rehearsal


def test_everything_is_in_the_export_and_nothing_is_a_formula(admin):
    site, rehearsal = make_rehearsed(3)
    evil = site.devices.get(name="T001")
    evil.name = "=cmd|' /C calc'!A0"
    evil.save()
    rehearsal.checks.filter(device=evil).update(answered_at=None)
    response = admin.get(reverse("readiness_csv", args=[site.pk]))
    header, first, *rest = csv.reader(io.StringIO(response.content.decode()))
    assert header == ["level", "code", "title", "device", "message", "remedy"]
    assert first[:2] == ["error", "seat_no_answer"]
    assert first[3].startswith("'=cmd")
    assert any(row[0] == "fine" for row in rest)


def test_what_devices_say_is_escaped(admin):
    site, rehearsal = make_rehearsed(2)
    evil = "<script>alert(1)</script>"
    rehearsal.checks.filter(device__name="T000").update(finding={"code": evil, "message": evil, "remedy": evil})
    server = site.server
    server.facts["certificates"][0]["subject"] = evil
    server.facts["peers"] = [{"address": evil, "connections": 1}]
    server.save()
    html = page(admin, site)
    assert evil not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_history_counts_each_rehearsal(admin):
    site, rehearsal = make_rehearsed(3)
    rehearsal.checks.filter(device__name="T001").update(answered_at=None)
    rehearsal.checks.filter(device__name="T002").update(finding={"code": "timeout", "message": "m", "remedy": "r"})
    html = page(admin, site)
    assert "1 ready, 1 not ready, 1 without an answer" in html
    assert "automatic" in html


def test_the_number_of_queries_does_not_grow_with_the_site(admin, django_assert_max_num_queries):
    for size in (3, 60):
        site, rehearsal = make_rehearsed(size)
        rehearsal.checks.update(answered_at=None)
        with django_assert_max_num_queries(18):
            page(admin, site)


def test_home_server_and_plan_lead_here(admin):
    site, server, _ = make_club(1)
    here = reverse("readiness", args=[site.pk])
    for address in (reverse("fleet"), reverse("server", args=[server.pk]), reverse("plan")):
        assert here in admin.get(address).content.decode()


def test_a_site_that_is_none_is_404(admin):
    for name in ("readiness", "readiness_progress", "readiness_csv"):
        assert admin.get(reverse(name, args=[99999])).status_code == 404
    assert admin.post(reverse("rehearse", args=[99999])).status_code == 404
