"""Exports are text in a spreadsheet too, whatever a device calls itself."""

import csv
import io

import pytest
from django.urls import reverse

from fleet.web.exports import cell
from tests.factories import make_club, make_cutover, make_device, make_run, make_transition


def table(response) -> list[list[str]]:
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(response.content.decode())))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_formulas_are_defused(text):
    assert cell(text) == "'" + text


@pytest.mark.parametrize(("value", "text"), [("Bar 7", "Bar 7"), (12, "12"), (None, ""), ("a=b", "a=b")])
def test_other_cells_stay_as_they_are(value, text):
    assert cell(value) == text


def test_the_fleet_export_has_what_the_filters_show(auditor):
    site, _, _ = make_club(2)
    make_device(site, name='=HYPERLINK("http://evil")', note="-2+3", tags=["x"])
    rows = table(auditor.get(reverse("fleet_csv"), {"q": "evil"}))
    assert rows[0][:3] == ["name", "site", "scheme"]
    assert len(rows) == 2
    assert rows[1][0].startswith("'=HYPERLINK")
    assert rows[1][-1] == "'-2+3"


def test_report_and_audit(auditor):
    site, _, (one, _) = make_club(2)
    cutover = make_cutover(site, state="completed")
    run = make_run(cutover, one, "verified", outage_ms=2345)
    make_transition(cutover, "verified", run, old="switching", reason="=cmd")
    report = table(auditor.get(reverse("report_csv", args=[cutover.pk])))
    assert report[1][:6] == ["T01", "1", "verified", "http", "https", "2345"]
    audit = table(auditor.get(reverse("audit_csv")))
    assert audit[1][3:8] == ["T01", "switching", "verified", "plan", "'=cmd"]
