"""The live page: what is going on, in words and shapes; buttons that the state and the role allow."""

import datetime as dt
import re

import pytest
from django.urls import reverse

from fleet.cutover.states import Cutover as C
from fleet.models import Device, Role
from tests.factories import NOW, make_club, make_cutover, make_run, make_step, make_transition, make_user
from tests.web.conftest import browser


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: NOW + dt.timedelta(minutes=5))


def running(state="switching", terminals=3, **changes):
    """A cutover under way with a run for each device."""
    site, server, devices = make_club(terminals)
    cutover = make_cutover(site, state=state, started_at=NOW, **changes)
    make_run(cutover, server, "verified")
    return cutover, [make_run(cutover, d, "switching", touched=True, step="member_lookup") for d in devices]


def page(client, cutover) -> str:
    return client.get(reverse("cutover", args=[cutover.pk])).content.decode()


def buttons(html: str) -> set[str]:
    bar = html[html.index('id="live-controls"') : html.index("<dialog") if "<dialog" in html else None]
    return set(re.findall(r"<button[^>]*>([^<]*)", bar))


@pytest.mark.parametrize(
    ("state", "reason", "line"),
    [
        ("armed", "ready", "T01 · Ready</p>"),
        ("restored", "restored", "T01 · Restored</p>"),
        ("failed", "too slow", "Failed: too slow"),
    ],
)
def test_the_log_says_a_state_once(admin, state, reason, line):
    cutover, (one, *_) = running()
    make_transition(cutover, state, one, reason=reason, actor="plan")
    assert line in page(admin, cutover)


def test_every_terminal_has_a_cell_and_a_row_with_its_state(admin):
    cutover, _ = running()
    html = page(admin, cutover)
    assert html.count('data-terminal="T02" data-state="switching"') == 2
    assert 'data-cutover-state="switching"' in html
    assert 'role="log"' in html


@pytest.mark.parametrize("state", list(C))
def test_every_state_has_its_sentence_and_shows(admin, state):
    cutover, _ = running(state.value)
    assert f'data-cutover-state="{state}"' in page(admin, cutover)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("draft", {"Start now", "Submit", "Cancel cutover"}),
        ("submitted", {"Start now", "Approve", "Cancel cutover"}),
        ("scheduled", {"Cancel cutover"}),
        ("switching", {"Pause", "Roll back"}),
        ("paused", {"Resume", "Roll back"}),
        ("completed", {"Roll back"}),
        ("rolled_back", set()),
        ("cancelled", set()),
    ],
)
def test_buttons_follow_the_state(admin, state, expected):
    cutover, _ = running(state)
    assert buttons(page(admin, cutover)) == expected


def test_retry_appears_when_something_has_failed(admin):
    cutover, (run, *_) = running("paused")
    run.state, run.finding = "failed", {"code": "x", "message": "Root is missing.", "remedy": "Install it."}
    run.save()
    html = page(admin, cutover)
    assert "Retry failed" in buttons(html)
    assert "Root is missing." in html
    assert "Install it." in html


def test_an_approver_sees_approve_alone(approver):
    cutover, _ = running("submitted")
    assert buttons(page(approver, cutover)) == {"Approve"}


def test_a_destructive_button_asks_first_and_says_how_many(admin):
    cutover, _ = running()
    html = page(admin, cutover)
    dialog = html[html.index('<dialog id="dialog-roll_back"') :]
    assert "3 terminals that were switched" in dialog
    assert re.findall(r"<button[^>]*>([^<]*)", dialog)[:2] == ["Roll back", "Cancel"]
    assert 'data-opens="dialog-roll_back"' in html


def dialog(html: str, verb: str) -> tuple[str, list[str]]:
    """What it says, and its buttons."""
    text = html[html.index(f'<dialog id="dialog-{verb}"') :]
    text = text[: text.index("</dialog>")]
    return re.search(rf'<p id="says-{verb}">([^<]*)', text)[1], re.findall(r"<button[^>]*>([^<]*)", text)


def draft(**changes):
    site, _, _ = make_club(24)
    return make_cutover(site, no_return_at=None, **changes)


@pytest.mark.parametrize(("state", "verb", "label"), [("draft", "start", "Start now"), ("submitted", "approve", "Approve")])
def test_what_begins_says_before_how_many_for_how_long_and_until_when(admin, state, verb, label):
    html = page(admin, draft(state=state))
    says, buttons_of = dialog(html, verb)
    assert says.startswith(
        "At once every agent checks its settings and reports ready. Then the server switches to HTTPS: all 24 terminals are "
        "cut off"
    )
    assert "until each has switched too, about 14 s." in says
    assert "A rollback takes about 14 s and fits into the window until 04:04:42 AEDT." in says
    assert buttons_of == [label, "Cancel"]
    assert re.search(rf'<form method="get"[^>]*><button id="do-{verb}"[^>]*data-opens="dialog-{verb}"', html)


def test_a_plan_for_later_is_scheduled_and_says_when(admin):
    later = NOW + dt.timedelta(hours=3)
    html = page(admin, draft(starts_now=False, starts_at=later, ends_at=later + dt.timedelta(minutes=60)))
    says, buttons_of = dialog(html, "start")
    assert says.startswith("On Sun 15 Mar 06:00 AEDT every agent checks")
    assert buttons_of == ["Schedule", "Cancel"]
    assert "Schedule" in buttons(html)
    assert "Start now" not in buttons(html)


def test_a_plan_whose_time_has_come_begins_at_once(admin):
    html = page(admin, draft(starts_now=False, state="submitted"))
    assert dialog(html, "approve")[0].startswith("At once")
    assert "Start now" in buttons(html)


def test_resume_says_what_is_next_and_whether_a_rollback_still_fits(admin):
    cutover, (one, two, _) = running("paused", paused_from="switching")
    one.state, two.state, two.cut_off_since = "verified", "failed", NOW
    one.save()
    two.save()
    says, buttons_of = dialog(page(admin, cutover), "resume")
    assert says.startswith("It continues where it stopped: 1 terminal left to switch, about 2 s. 1 terminal is cut off now.")
    assert "The failure of 1 terminal does not stop it again." in says
    assert "fits into the window until 03:46:00 AEDT." in says
    assert buttons_of == ["Resume", "Cancel"]
    cutover.no_return_at = NOW
    cutover.save()
    assert "; after 03:00:00 AEDT it no longer fits into the window." in dialog(page(admin, cutover), "resume")[0]


def test_resume_before_the_server_says_that_everybody_will_be_cut_off(admin):
    says, _ = dialog(page(admin, running("paused", paused_from="arming")[0]), "resume")
    assert "the server is next, and all 3 terminals are cut off until each has switched too" in says


def test_retry_says_how_many_are_tried_again(admin):
    cutover, (one, *_) = running("paused", paused_from="switching")
    one.state = "failed"
    one.save()
    says, buttons_of = dialog(page(admin, cutover), "retry_failed")
    assert says.startswith("1 terminal that failed is tried again, about 2 s. Nothing is done to the others.")
    assert buttons_of == ["Retry failed", "Cancel"]


def test_whoever_cancels_may_keep_it(admin):
    says, buttons_of = dialog(page(admin, draft()), "cancel")
    assert "24 terminals and the server stay on HTTP" in says
    assert buttons_of == ["Cancel cutover", "Keep it"]


def test_nothing_of_a_dialog_is_sent_by_its_opener(admin):
    """Without scripts the opener asks on a page of its own; nothing but the dialog's button posts."""
    for cutover in (draft(), draft(state="submitted"), running()[0], running("paused", paused_from="switching")[0]):
        bar = page(admin, cutover)
        bar = bar[bar.index('id="live-controls"') : bar.index("<dialog")]
        sent = {re.search(r"/act/(\w+)/", p)[1] for p in re.findall(r'<form method="post" action="([^"]*)', bar)}
        assert sent <= {"submit", "pause"}


def test_an_approver_is_asked_too_and_by_nothing_else(approver):
    html = page(approver, draft(state="submitted"))
    assert dialog(html, "approve")[1] == ["Approve", "Cancel"]
    assert html.count("<dialog") == 1


def test_without_scripts_the_question_is_a_page(admin):
    cutover, _ = running()
    html = admin.get(reverse("confirm", args=[cutover.pk, "roll_back"])).content.decode()
    assert "3 terminals that were switched" in html
    assert admin.get(reverse("confirm", args=[cutover.pk, "pause"])).status_code == 404
    html = admin.get(reverse("confirm", args=[cutover.pk, "resume"])).content.decode()
    assert "This does nothing now. State of the cutover: switching terminals." in html
    html = admin.get(reverse("confirm", args=[draft().pk, "cancel"])).content.decode()
    assert "Keep it" in html


def test_a_rollback_is_not_called_impossible_when_it_is_not(admin):
    html = page(admin, running("completed")[0])
    assert "a rollback fits into the window until 03:46:00" in html
    assert "no way back" not in html.lower()
    assert "a rollback fits" not in page(admin, running("rolled_back")[0])
    assert "Roll back" in buttons(html)


def test_what_is_going_back_is_not_at_rest(admin):
    cutover, _ = running("rolling_back", direction="back", ended_at=NOW)
    assert "ended 0" not in page(admin, cutover)
    cutover.state = "rolled_back"
    cutover.save()
    assert "ended 03:00:00" in page(admin, cutover)


def test_a_button_acts_and_the_page_stays(admin, followed):
    cutover, _ = running()
    response = admin.post(reverse("act", args=[cutover.pk, "pause"]), headers={"HX-Request": "true"})
    assert 'data-cutover-state="paused"' in response.content.decode()
    assert len(followed) == 1


def test_a_refusal_is_said_in_the_alert(admin, followed):
    cutover, _ = running("completed")
    html = admin.post(reverse("act", args=[cutover.pk, "pause"]), headers={"HX-Request": "true"}).content.decode()
    assert re.search(r'role="alert"><div class="note bad"><p>Cannot pause: the cutover is completed', html)
    assert not followed


def test_without_scripts_a_button_leads_back_to_the_page(admin):
    cutover, _ = running()
    assert admin.post(reverse("act", args=[cutover.pk, "pause"]))["Location"] == reverse("cutover", args=[cutover.pk])


def test_the_requester_does_not_approve_where_two_are_asked_for(db, followed):
    site, _, _ = make_club(1, two_persons=True)
    ada, eve = make_user("ada", Role.ADMIN), make_user("eve", Role.ADMIN)
    cutover = make_cutover(site, state="submitted", requested_by=ada)
    assert "Approve" not in buttons(page(browser(ada), cutover))
    assert "Approve" in buttons(page(browser(eve), cutover))
    html = browser(ada).post(reverse("act", args=[cutover.pk, "approve"]), follow=True).content.decode()
    assert "second person" in html


@pytest.mark.parametrize("address", ["/cutovers/999/", "/cutovers/999/report/", "/cutovers/999/confirm/roll_back/"])
def test_an_unknown_cutover_is_404(admin, address):
    assert admin.get(address).status_code == 404


def test_unknown_actions_are_404(admin):
    cutover, _ = running()
    assert admin.post(f"/cutovers/{cutover.pk}/act/explode/").status_code == 404
    assert admin.post("/cutovers/999/act/pause/").status_code == 404


def test_hostile_words_are_text_everywhere(admin):
    cutover, (run, *_) = running()
    evil = '"><script>alert(1)</script>'
    Device.objects.filter(pk=run.device_id).update(name=evil)
    run.state, run.finding = "failed", {"code": "x", "message": evil, "remedy": evil}
    run.save()
    make_step(run, "secured", evidence={evil: evil})
    make_transition(cutover, "failed", run, reason=evil, actor=evil)
    addresses = (
        reverse("cutover", args=[cutover.pk]), reverse("report", args=[cutover.pk]), reverse("audit"),
        reverse("terminal", args=[run.device_id]), reverse("agents"), reverse("fleet"),
    )  # fmt: skip
    for address in addresses:
        html = admin.get(address).content.decode()
        assert "<script>alert" not in html, address
        assert "&lt;script&gt;alert(1)" in html, address


def test_no_inline_style_or_script(admin):
    cutover, _ = running()
    html = page(admin, cutover)
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_before_there_are_runs_the_page_says_how_many_take_part(admin):
    site, _, _ = make_club(4)
    assert "3 terminals take part" in page(admin, make_cutover(site, exclude=["T02"]))


def test_a_final_cutover_does_not_listen(admin):
    assert "sse-connect" in page(admin, running("completed")[0])
    assert "sse-connect" not in page(admin, running("rolled_back")[0])


def test_many_terminals_do_not_cost_more_queries(admin, django_assert_max_num_queries):
    cutover, _ = running(terminals=60)
    with django_assert_max_num_queries(20):
        page(admin, cutover)
