"""Agents are shut out at once and admitted with a token; the audit log shows every change."""

import pytest
from django.urls import reverse

from fleet.models import EnrolmentToken
from tests.factories import make_club, make_cutover, make_device, make_run, make_site, make_transition


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


def test_one_cutover_alone(auditor, history):
    assert auditor.get(reverse("audit"), {"cutover": history.pk}).context["page"].paginator.count == 2
    assert auditor.get(reverse("audit"), {"cutover": "999"}).context["page"].paginator.count == 0
    part = auditor.get(reverse("audit"), headers={"HX-Request": "true"})
    assert b"<html" not in part.content


def test_an_empty_log_says_what_will_stand_here(auditor):
    assert "will stand here" in auditor.get(reverse("audit")).content.decode()


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
