"""Agents are shut out at once and admitted with a token; the audit log shows every change."""

import pytest
from django.urls import reverse

from fleet.models import Agent, EnrolmentToken
from fleet.web import exports
from tests.factories import NOW, make_club, make_cutover, make_device, make_run, make_site, make_transition


def test_devices_without_contact_come_first(auditor):
    site = make_site()
    make_device(site, name="a")
    make_device(site, name="b", connected=False)
    make_device(site, name="c", agent=False)
    page = auditor.get(reverse("agents")).context["page"]
    assert [d.name for d in page.object_list] == ["b", "c", "a"]
    assert [d.name for d in auditor.get(reverse("agents"), {"q": "a"}).context["page"].object_list] == ["a"]


def test_revoking_asks_first_and_then_shuts_out(admin, followed):
    device = make_device(make_site())
    html = admin.get(reverse("agents")).content.decode()
    assert f'<dialog id="revoke-{device.agent.pk}"' in html
    admin.post(reverse("revoke", args=[device.agent.pk]))
    device.agent.refresh_from_db()
    assert device.agent.revoked_at is not None
    assert followed[0].dropped == {device.agent.pk}
    assert "no such agent" in admin.post(reverse("revoke", args=["nope"]), follow=True).content.decode()


def test_a_token_is_shown_once(admin):
    device = make_device(make_site(), agent=False)
    response = admin.post(reverse("token", args=[device.pk]))
    assert response["Cache-Control"] == "no-store"
    assert response.context["token"] in response.content.decode()
    assert EnrolmentToken.objects.filter(device=device).count() == 1
    assert admin.get(reverse("token", args=[device.pk])).status_code == 405


@pytest.fixture
def history(db):
    site, _, (one, _) = make_club(2)
    cutover = make_cutover(site, state="switching")
    run = make_run(cutover, one, "verified")
    make_transition(cutover, "switching", old="cutting_server", actor="ada", reason="the server answers")
    make_transition(cutover, "verified", run, old="switching")
    return cutover


def test_the_newest_is_on_top(auditor, history):
    page = auditor.get(reverse("audit")).context["page"]
    assert [t.new for t in page.object_list] == ["verified", "switching"]


@pytest.mark.parametrize(("q", "count"), [("T01", 1), ("ada", 1), ("answers", 1), ("verified", 1), ("zebra", 0)])
def test_the_log_is_searched(auditor, history, q, count):
    assert auditor.get(reverse("audit"), {"q": q}).context["page"].paginator.count == count


def test_states_are_shown_and_found_by_the_words_of_their_pills(auditor, history):
    run = history.runs.get()
    make_transition(history, "undo_failed", run, old="undoing")
    html = auditor.get(reverse("audit")).content.decode()
    assert "Undo failed</span>" in html
    assert "Switching the server →" in html
    assert "undo_failed" not in html
    assert "cutting_server" not in html
    found = auditor.get(reverse("audit"), {"q": "Undo failed"}).context["page"].object_list
    assert [t.new for t in found] == ["undo_failed"]


def test_one_cutover_alone(auditor, history):
    assert auditor.get(reverse("audit"), {"cutover": history.pk}).context["page"].paginator.count == 2
    assert auditor.get(reverse("audit"), {"cutover": "999"}).context["page"].paginator.count == 0
    part = auditor.get(reverse("audit"), headers={"HX-Request": "true"})
    assert b"<html" not in part.content


def test_an_empty_log_says_what_will_stand_here(auditor):
    assert "is kept permanently" in auditor.get(reverse("audit")).content.decode()


def test_cutovers_are_listed_with_their_counts(auditor, history):
    html = auditor.get(reverse("cutovers")).content.decode()
    assert reverse("cutover", args=[history.pk]) in html
    assert "1 / 1" in html
    assert auditor.get(reverse("cutovers"), {"state": "draft"}).context["page"].paginator.count == 0
    assert auditor.get(reverse("cutovers"), {"state": "nonsense"}).context["page"].paginator.count == 1


def test_no_cutovers_yet(admin):
    assert "No cutover yet" in admin.get(reverse("cutovers")).content.decode()


def test_the_report_has_every_terminals_outage(auditor, history):
    history.runs.update(outage_ms=2345)
    html = auditor.get(reverse("report", args=[history.pk])).content.decode()
    assert "2.3 s" in html
    assert ">HTTPS<" in html


def test_what_happened_to_agents_stands_in_the_audit(admin, auditor):
    device = make_device(make_site(), name="T01")
    admin.post(reverse("token", args=[device.pk]))
    admin.post(reverse("revoke", args=[device.agent.pk]))
    events = auditor.get(reverse("audit")).context["events"]
    assert [(e.code, e.device_name, e.actor) for e in events] == [("revoked", "T01", "ada"), ("token_made", "T01", "ada")]
    assert [e.code for e in auditor.get(reverse("audit"), {"q": "revoked"}).context["events"]] == ["revoked"]
    assert auditor.get(reverse("audit"), {"cutover": "1"}).context["events"] == []
    csv = auditor.get(reverse("audit_agents_csv")).content.decode()
    assert csv.splitlines()[0] == "at,site,device,code,actor,text"
    assert csv.count("ada") == 2


def test_a_quarantined_agent_is_shown_with_the_way_out(admin):
    device = make_device(make_site(), name="T01")
    alarm = {"code": "identity_used_twice", "message": "Two programs <b>", "remedy": "Find the copy."}
    Agent.objects.filter(device=device).update(quarantined_at=NOW, connected=True, alarm=alarm, called="<i>T09</i>")
    html = admin.get(reverse("agents")).content.decode()
    assert "Identity used twice" in html
    assert "Two programs &lt;b&gt;" in html
    assert "It reports the name “&lt;i&gt;T09&lt;/i&gt;”" in html
    assert "New token for T01" in html


def test_a_token_reads_the_same_in_a_cell_of_a_spreadsheet(admin):
    device = make_device(make_site(), agent=False)
    tokens = [admin.post(reverse("token", args=[device.pk])).context["token"] for _ in range(50)]
    assert [exports.cell(token) for token in tokens] == tokens
    assert all(token.isalnum() for token in tokens)
