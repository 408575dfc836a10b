"""Reasons and cut-off terminals stay in sight: on the live page, in the report, in both exports, in the audit log."""

import csv
import datetime as dt
import io
import re

import pytest
from django.urls import reverse

from fleet.cutover.states import Run
from fleet.web import labels
from tests.factories import NOW, make_club, make_cutover, make_run, make_transition

SOON = NOW + dt.timedelta(minutes=5)
CAUSE = {
    "code": "settings_read_only",
    "message": "T02 cannot be written.",
    "remedy": "Clear it.",
    "devices": ["T02", "T03"],
}
FINDING = {"code": "settings_read_only", "message": "The file is <b>read-only</b>.", "remedy": "Clear it there."}


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr("fleet.services.clock.now", lambda: SOON)


@pytest.fixture
def rolled_back(db):
    """T01 was 9 s without its server, T02 failed and was restored, T03 could not be restored and still is cut off."""
    site, server, (one, two, three) = make_club(3)
    cutover = make_cutover(site, state="needs_person", direction="back", started_at=NOW, ended_at=NOW, cause=CAUSE)
    make_run(cutover, server, "restored")
    make_run(cutover, one, "restored", outage_ms=4000, cut_off_ms=9000)
    make_run(cutover, two, "restored", finding=FINDING, cut_off_ms=71_000)
    make_run(cutover, three, "undo_failed", finding=FINDING, cut_off_since=NOW)
    return cutover


def page(client, name, cutover) -> str:
    return client.get(reverse(name, args=[cutover.pk])).content.decode()


def row(html: str, name: str) -> str:
    return re.search(rf'<tr[^>]*data-terminal="{name}".*?</tr>', html, re.S)[0]


def words_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


@pytest.mark.parametrize("name", ["cutover", "report"])
def test_the_cause_stands_on_top_with_device_and_remedy(auditor, rolled_back, name):
    html = page(auditor, name, rolled_back)
    note = re.search(r'<div class="note bad" data-cause>.*?</div>', html, re.S)[0]
    assert "T02 cannot be written." in note
    assert "(T03)" in note, "T02 is in the message already"
    assert "Clear it." in note
    assert html.index(note) < html.index("data-terminal")


def test_what_the_cutover_says_of_itself_is_not_said_twice(auditor, rolled_back):
    rolled_back.finding = {k: CAUSE[k] for k in ("code", "message", "remedy")}
    rolled_back.save()
    assert page(auditor, "cutover", rolled_back).count("T02 cannot be written.") == 1


@pytest.mark.parametrize("name", ["cutover", "report"])
def test_a_restored_device_keeps_its_finding(auditor, rolled_back, name):
    restored = row(page(auditor, name, rolled_back), "T02")
    assert "Restored" in restored
    assert "The file is &lt;b&gt;read-only&lt;/b&gt;." in restored
    assert "Clear it there." in restored


def test_the_live_page_tells_how_long_each_was_cut_off_and_lets_the_clock_run(auditor, rolled_back):
    html = page(auditor, "cutover", rolled_back)
    assert "4.0 s" in row(html, "T01")
    assert "cut off for 9.0 s" in words_of(row(html, "T01"))
    assert "cut off for 1 min 11 s" in words_of(row(html, "T02"))
    assert re.search(rf'cut off<br><span data-since="{round(NOW.timestamp() * 1000)}"', row(html, "T03"))


def test_an_outage_that_says_it_already_is_said_once(auditor, rolled_back):
    rolled_back.runs.filter(device__name="T01").update(cut_off_ms=4000)
    assert "cut off" not in row(page(auditor, "cutover", rolled_back), "T01")


def test_the_worst_is_the_worst_of_all_those_that_go_on_included(auditor, rolled_back):
    html = page(auditor, "cutover", rolled_back)
    tile = re.search(r'<strong data-since="(\d+)" data-least="(\d+)">([^<]*)</strong><span>([^<]*)', html)
    assert tile.groups() == (str(round(NOW.timestamp() * 1000)), "71000", "5 min", "worst · 1 cut off now")
    assert re.search(
        r"<strong>5 min</strong><span>longest outage or cut-off · 1 cut off now", page(auditor, "report", rolled_back)
    )
    rolled_back.runs.filter(device__name="T03").update(cut_off_since=None, cut_off_ms=3000)
    assert re.search(r"<strong>1 min 11 s</strong><span>longest outage or cut-off", page(auditor, "cutover", rolled_back))


def test_the_report_has_a_column_for_it(auditor, rolled_back):
    html = page(auditor, "report", rolled_back)
    assert re.search(r'<td class="r">4.0 s</td><td class="r">9.0 s</td>', row(html, "T01"))
    assert re.search(r'<td class="r">–</td><td class="r">5 min, and counting</td>', row(html, "T03"))


def test_the_exports_have_all_of_it(auditor, rolled_back):
    make_transition(rolled_back, "rolling_back", old="switching", reason="a wave's limit was passed")
    make_transition(rolled_back, "restored", rolled_back.runs.get(device__name="T02"))

    def rows(address):
        return list(csv.DictReader(io.StringIO(auditor.get(address).content.decode())))

    one, two, three = rows(reverse("report_csv", args=[rolled_back.pk]))
    assert (one["outage_ms"], one["cut_off_ms"], one["cut_off_since"]) == ("4000", "9000", "")
    assert (two["state"], two["finding"], two["remedy"]) == ("restored", FINDING["message"], FINDING["remedy"])
    assert three["cut_off_since"] == "2026-03-14T16:00:00.000+00:00"
    assert one["cause"] == "T02 cannot be written. (T03) Clear it."
    device, whole = rows(reverse("audit_csv"))
    assert (device["cause"], whole["cause"]) == ("", one["cause"])
    assert auditor.get(reverse("audit")).content.decode().count("Cause: T02 cannot be written.") == 1


@pytest.mark.parametrize("state", list(Run))
def test_nothing_that_is_cut_off_looks_good_or_harmless(state):
    pill = labels.run_pill(state, "https", cut_off=True)
    assert pill.tone in ("bad", "warn")
    assert pill.word.endswith(", cut off")
    assert pill.shape not in {labels.RUN_PILLS[s].shape for s in Run if labels.RUN_PILLS[s].tone in ("ok", "wait")}


@pytest.mark.parametrize("state", ["verified", "pending", "armed", "switching", "restored"])
@pytest.mark.parametrize("name", ["cutover", "report", "fleet", "terminal"])
def test_cut_off_is_seen_on_every_page(auditor, state, name):
    site, _, (one,) = make_club(1)
    cutover = make_cutover(site, state="completed", started_at=NOW, ended_at=NOW)
    make_run(cutover, one, state, cut_off_since=NOW)
    address = reverse("fleet") if name == "fleet" else reverse(name, args=[one.pk if name == "terminal" else cutover.pk])
    html = auditor.get(address).content.decode()
    where = html[html.index('data-terminal="T01"') :] if name != "cutover" else html[html.index('id="cells"') :]
    assert f'data-state="{state}"' in html
    assert ", cut off" in where
    assert not re.search(r'class="(cell|pill slim) (ok|wait|run)"[^>]*>[^<]*<[^>]*>[^<]*</span>[^<]*cut off', html)


def test_rolled_back_is_not_called_as_before_while_somebody_is_cut_off(auditor, rolled_back):
    rolled_back.state = "rolled_back"
    rolled_back.save()
    html = page(auditor, "cutover", rolled_back)
    assert "Everything is as it was before" not in html
    assert "1 terminal is still cut off" in html
    assert "sse-connect" in html, "its clock has to stop when it is over"


def test_a_time_that_is_none_does_not_break_the_page(auditor):
    site, server, (one,) = make_club(1)
    cutover = make_cutover(site, state="switching", started_at=NOW, last_answer_ms=2**62)
    make_run(cutover, server, "verified")
    make_run(cutover, one, "switching")
    assert auditor.get(reverse("cutover", args=[cutover.pk])).status_code == 200
