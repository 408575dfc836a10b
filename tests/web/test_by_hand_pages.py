"""Terminals by hand: the page on a phone, the print-out, and what the other pages say about them."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from fleet.models import Device, DeviceRun, Site
from fleet.web.by_hand import qr
from tests.factories import NOW, make_club, make_cutover, make_device, make_run
from tests.web.test_plan_page import typed

BACK = {"cutover__direction": "back"}
HOW = "Tools &gt; Basic Tools &gt; Terminal Settings &gt; Customers"


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW)


@pytest.fixture
def club(db):
    """T01 has an agent, K1 has none."""
    site, server, (terminal,) = make_club(1, name="Harbour Club")
    return site, server, terminal, make_device(site, name="K1", agent=False, note="left of the bar")


@pytest.fixture
def run(club):
    """K1 waits for a person, in a cutover that is switching."""
    site, server, terminal, kiosk = club
    cutover = make_cutover(site, state="switching", started_at=NOW)
    make_run(cutover, server, "verified")
    make_run(cutover, terminal, "verified")
    return make_run(
        cutover, kiosk, "switching", by_hand=True, touched=True, proof="person", asked_action="switch", asked_epoch=1, wave=1,
        deadline_at=NOW.replace(minute=15),
    )  # fmt: skip


def address(run, name="by_hand"):
    return reverse(name, args=[run.cutover_id, run.device_id])


def seen(client, run, **fields):
    """The page, after these fields of the run and its cutover were changed."""
    cutover = {key.removeprefix("cutover__"): fields.pop(key) for key in list(fields) if key.startswith("cutover__")}
    DeviceRun.objects.filter(pk=run.pk).update(**fields)
    type(run.cutover).objects.filter(pk=run.cutover_id).update(**cutover)
    response = client.get(address(run))
    assert response.status_code == 200
    return response.content.decode()


def buttons(html):
    return re.findall(r"<button[^>]*>([^<]*)", html.split("<main")[1])


def test_the_page_says_what_to_set_and_where_and_how_long_there_is(approver, run):
    html = seen(approver, run)
    assert ">K1</h1>" in html
    assert HOW in html
    assert "Tick Secured" in html
    assert "for example 1001" in html
    assert f'data-until="{round(NOW.replace(minute=15).timestamp() * 1000)}"' in html
    assert buttons(html) == ["Done", "Does not work"]
    assert '<input type="hidden" name="scheme" value="https">' in html
    assert '<label for="note">' in html


def test_the_sites_own_words_stand_above_ours(approver, run):
    Site.objects.update(by_hand_words="The <blue> key\nthen 4711")
    html = seen(approver, run)
    assert html.index("The &lt;blue&gt; key<br>then 4711") < html.index(HOW)


def test_done_is_taken_and_the_page_says_so(approver, run, followed):
    response = approver.post(address(run), {"result": "done", "scheme": "https", "note": "1001 found"})
    assert response["Location"] == address(run)
    run.refresh_from_db()
    assert (run.state, run.answer_note) == ("verified", "1001 found")
    assert len(followed) == 1
    html = seen(approver, run)
    assert "Done: it works over HTTPS" in html
    assert "ben" in html
    assert "1001 found" in html


def test_a_person_who_was_wrong_can_still_say_so(approver, run):
    html = seen(approver, run, state="verified")
    assert buttons(html) == ["Does not work"]
    approver.post(address(run), {"result": "does_not_work", "scheme": "https"})
    run.refresh_from_db()
    assert run.state == "failed"


def test_on_the_way_back_it_says_set_it_back(approver, run):
    html = seen(approver, run, state="undoing", cutover__state="rolling_back", cutover__direction="back")
    assert "Set it back to HTTP" in html
    assert "Untick Secured" in html
    assert '<input type="hidden" name="scheme" value="http">' in html


def test_an_answer_to_the_question_before_the_turn_is_409_and_says_what_to_do(approver, run):
    seen(approver, run, state="undoing", cutover__state="rolling_back", cutover__direction="back")
    response = approver.post(address(run), {"result": "done", "scheme": "https", "note": "my words"})
    html = response.content.decode()
    assert response.status_code == 409
    assert re.search(r'role="alert">.*turned around: set it back to HTTP', html)
    assert 'value="my words"' in html
    run.refresh_from_db()
    assert run.state == "undoing"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "armed"}, "Not yet"),
        (
            {"state": "verified", "cutover__state": "rolling_back", "cutover__direction": "back"},
            "until the server is back on HTTP",
        ),
        (
            {"state": "armed", "touched": False, "cutover__state": "rolled_back", "cutover__direction": "back"},
            "Leave it on HTTP",
        ),
        ({"state": "restored", "cutover__state": "rolled_back", "cutover__direction": "back"}, "it is back on HTTP"),
        ({"state": "pending", "cutover__state": "scheduled"}, "Nothing to do yet"),
        ({"state": "pending", "cutover__state": "cancelled"}, "was cancelled"),
    ],
)
def test_there_is_nothing_to_press_where_nothing_is_to_do(approver, run, fields, words):
    html = seen(approver, run, **fields)
    assert words in html
    assert buttons(html) == []


@pytest.mark.parametrize("state", ["failed", "unreachable"])
def test_a_late_answer_has_its_buttons_and_the_finding(approver, run, state):
    finding = {"code": "x", "message": "Nobody <has> said.", "remedy": "y"}
    html = seen(approver, run, state=state, finding=finding, deadline_at=None)
    assert buttons(html) == ["Done", "Does not work"]
    assert "Nobody &lt;has&gt; said." in html
    assert "data-until" not in html


def test_the_page_exists_before_the_cutover_is_scheduled(approver, club):
    cutover = make_cutover(club[0])
    html = approver.get(reverse("by_hand", args=[cutover.pk, club[3].pk])).content.decode()
    assert "Nothing to do yet" in html
    assert "no agent is enrolled" in html


def test_the_page_of_one_with_an_agent_says_that_its_agent_does_it(approver, run, club):
    html = approver.get(reverse("by_hand", args=[run.cutover_id, club[2].pk])).content.decode()
    assert "this terminal&#x27;s agent does its part" in html or "this terminal's agent does its part" in html
    assert buttons(html) == []


def test_an_auditor_reads_and_cannot_answer(auditor, run):
    assert buttons(seen(auditor, run)) == []
    assert auditor.post(address(run), {"result": "done"}).status_code == 403
    run.refresh_from_db()
    assert run.state == "switching"


def test_a_note_that_is_too_long_is_named_at_its_field(approver, run):
    response = approver.post(address(run), {"result": "done", "scheme": "https", "note": "x" * 201})
    html = response.content.decode()
    assert response.status_code == 422
    assert re.search(r'id="note"[^>]*aria-invalid="true" aria-describedby="e-note"', html)
    assert 'role="alert"' in html


def test_another_sites_terminal_and_a_server_are_404(approver, run, club):
    other = make_device(make_club(0)[0], agent=False)
    for device in (other, club[1]):
        assert approver.get(reverse("by_hand", args=[run.cutover_id, device.pk])).status_code == 404
        assert approver.post(reverse("by_hand", args=[run.cutover_id, device.pk]), {"result": "done"}).status_code == 404


def test_the_part_that_refreshes_itself_leaves_the_page_alone_until_the_question_changes(approver, run):
    html = seen(approver, run)
    again = re.search(r'hx-get="([^"]+)"', html)[1].replace("&amp;", "&")
    assert approver.get(again, headers={"HX-Request": "true"}).status_code == 204
    DeviceRun.objects.filter(pk=run.pk).update(state="unreachable")
    response = approver.get(again, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response.content.decode().startswith('<div id="by-hand"')
    assert "The time is over" in response.content.decode()


def test_what_was_typed_survives_a_log_in(approver, run):
    approver.logout()
    approver.post(address(run), {"result": "done", "scheme": "https", "note": "my words"})
    approver.force_login(User.objects.get(username="ben"))
    html = seen(approver, run)
    assert 'value="my words"' in html
    run.refresh_from_db()
    assert run.state == "switching"


# --- the print-out -------------------------------------------------------------------------------


def test_the_print_out_has_a_row_with_a_code_for_each_terminal_by_hand(auditor, run):
    html = auditor.get(reverse("print", args=[run.cutover_id])).content.decode()
    assert re.findall(r'<tr data-terminal="([^"]+)"', html) == ["K1"]
    assert f"http://testserver{address(run)}" in html
    assert str(qr.svg(f"http://testserver{address(run)}")) in html
    assert "left of the bar" in html
    assert "If the page says: set it back to HTTP" in html
    assert "<script" not in html.split("<main")[1]


def test_the_print_out_of_a_draft_has_the_same_rows(auditor, club):
    Device.objects.filter(name="T01").update(by_hand=True)
    cutover = make_cutover(club[0], exclude=["K1"])
    html = auditor.get(reverse("print", args=[cutover.pk])).content.decode()
    assert re.findall(r'<tr data-terminal="([^"]+)"', html) == ["T01"]


def test_the_print_out_without_terminals_by_hand_says_what_to_do(auditor):
    cutover = make_cutover(make_club(2)[0])
    html = auditor.get(reverse("print", args=[cutover.pk])).content.decode()
    assert "Mark a terminal as by hand" in html


def test_a_code_holds_no_text_and_another_address_has_another_code():
    one, two = qr.svg("http://a/<script>"), qr.svg("http://a/")
    assert one != two
    assert "script" not in one
    assert one.startswith("<svg")


def test_the_sites_own_words_are_set_on_the_print_out(admin, run):
    path = reverse("print", args=[run.cutover_id])
    assert '<label for="by_hand_words">' in admin.get(path).content.decode()
    assert admin.post(path, {"by_hand_words": " The blue key\r\nthen 4711 "})["Location"] == path
    assert Site.objects.get().by_hand_words == "The blue key\nthen 4711"
    assert "The blue key<br>then 4711" in admin.get(path).content.decode()


@pytest.mark.parametrize(
    ("words", "error"), [("x" * 501, "at most 500"), ("a\0b", "control characters"), ("\u202eb", "direction")]
)
def test_wrong_words_are_named_at_their_field(admin, run, words, error):
    response = admin.post(reverse("print", args=[run.cutover_id]), {"by_hand_words": words})
    html = response.content.decode()
    assert response.status_code == 422
    assert re.search(r'id="by_hand_words"[^>]*aria-invalid="true"', html)
    assert error in html
    assert Site.objects.get().by_hand_words == ""


def test_only_an_admin_sets_them(approver, run):
    path = reverse("print", args=[run.cutover_id])
    assert "by_hand_words" not in approver.get(path).content.decode()
    assert approver.post(path, {"by_hand_words": "x"}).status_code == 403


# --- the other pages -----------------------------------------------------------------------------


def test_the_live_page_says_that_it_waits_for_a_person_and_links_to_the_page(auditor, run):
    html = auditor.get(reverse("cutover", args=[run.cutover_id])).content.decode()
    assert re.search(rf'<a id="h{run.pk}"[^>]*href="{address(run)}">by hand: waiting for a person</a>', html)
    assert reverse("print", args=[run.cutover_id]) in html
    assert "A person sets K1 by hand" in html


def test_a_completed_cutover_says_how_many_a_person_vouches_for(auditor, run):
    seen(auditor, run, state="verified", cutover__state="completed")
    html = auditor.get(reverse("cutover", args=[run.cutover_id])).content.decode()
    assert "Of 1, set by hand, a person says so." in html
    DeviceRun.objects.filter(pk=run.pk).update(proof="transport")
    assert "a person says so" not in auditor.get(reverse("cutover", args=[run.cutover_id])).content.decode()


def test_a_live_page_without_terminals_by_hand_has_no_print_out(auditor):
    cutover = make_cutover(make_club(1)[0])
    assert reverse("print", args=[cutover.pk]) not in auditor.get(reverse("cutover", args=[cutover.pk])).content.decode()


def test_the_plan_names_the_terminals_by_hand_and_asks_for_their_time(admin, club):
    html = admin.get(reverse("plan")).content.decode()
    assert "K1 (no agent is enrolled)" in html
    assert '<label for="id_by_hand_minutes">' in html
    assert "A person sets 1 terminal by hand" in html
    admin.post(reverse("plan"), typed(club[0], by_hand_minutes="7"))
    assert club[0].cutovers.get().by_hand_minutes == 7


def test_a_plan_without_terminals_by_hand_does_not_ask(admin):
    site, _, _ = make_club(1)
    html = admin.get(reverse("plan")).content.decode()
    assert "By hand:" not in html
    admin.post(reverse("plan"), typed(site))
    assert site.cutovers.get().by_hand_minutes == 15


@pytest.mark.parametrize("minutes", ["0", "241", "x", "-1"])
def test_a_wrong_time_is_named_at_its_field(admin, club, minutes):
    html = admin.post(reverse("plan"), typed(club[0], by_hand_minutes=minutes)).content.decode()
    assert re.search(r'id="id_by_hand_minutes"[^>]*aria-invalid="true"', html)
    assert not club[0].cutovers.exists()


def test_a_terminal_is_marked_on_its_own_page(admin, club):
    path = reverse("terminal", args=[club[2].pk])
    admin.post(path, {"name": "T01", "note": "", "tags": "", "by_hand": "on", "address": "192.168.1.9"})
    device = Device.objects.get(pk=club[2].pk)
    assert (device.by_hand, device.address) == (True, "192.168.1.9")
    html = admin.get(path).content.decode()
    assert "marked so. Its agent gets no instruction in a cutover" in html
    admin.post(path, {"name": "T01", "note": "", "tags": "", "address": ""})
    assert not Device.objects.get(pk=club[2].pk).by_hand


def test_a_wrong_address_is_named_at_its_field(admin, club):
    html = admin.post(reverse("terminal", args=[club[2].pk]), {"name": "T01", "address": "bar"}).content.decode()
    assert re.search(r'id="address"[^>]*aria-invalid="true"', html)
    assert "such as 192.168.1.20" in html


def test_report_and_csv_say_who_answered(auditor, run):
    DeviceRun.objects.filter(pk=run.pk).update(
        state="verified", answered_by=User.objects.get(username="cem"), answered_at=NOW, answer_note="=1+1"
    )
    html = auditor.get(reverse("report", args=[run.cutover_id])).content.decode()
    assert "by hand: cem" in html
    assert "a person's word" in html.replace("&#x27;", "'")
    header, kiosk, _ = auditor.get(reverse("report_csv", args=[run.cutover_id])).content.decode().splitlines()
    row = dict(zip(header.split(","), kiosk.split(","), strict=True))
    assert (row["by_hand"], row["proof"], row["answered_by"], row["answer_note"]) == ("yes", "person", "cem", "'=1+1")
    assert row["answered_at"].startswith("2026-03-14T16:00")
