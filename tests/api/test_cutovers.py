"""POST and GET /cutovers, GET /cutovers/{id} and its transitions."""

import datetime as dt
from typing import Any

import pytest

from fleet.api import responses
from fleet.models import Agent, Cutover, Device, DeviceRun
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_club, make_cutover, make_run, make_transition

FINDING = {"code": "lookup_failed", "message": "no answer", "remedy": "look at the cable"}


def test_a_plan_is_kept_as_it_was_sent(api: Api, club: Any) -> None:
    body = {
        "site": club[0].pk,
        "to_scheme": "https",
        "starts_at": "2029-05-01T02:00:00.5+10:00",
        "duration_minutes": 90,
        "waves": [{"size": 1}, {"percent": 50, "max_failed_percent": 10}],
        "on_window_close": "roll_back",
        "on_threshold": "pause",
        "exclude": ["T03"],
        "certificate_thumbprint": "ab" * 20,
        "note": "Ring Kim first.\nThen begin.",
    }
    answer = api("POST", "/cutovers", body)
    assert answer.status_code == 201
    made = answer.json()
    responses.CutoverWithRuns.model_validate(made)
    for key in set(body) - {"starts_at", "certificate_thumbprint"}:
        assert made[key] == body[key]
    assert made["certificate_thumbprint"] == "AB" * 20
    assert made["window"] == {
        "starts_at": "2029-04-30T16:00:00.500000+00:00",
        "ends_at": "2029-04-30T17:30:00.500000+00:00",
        "zone": "Australia/Sydney",
    }
    assert (made["state"], made["requested_by"], made["approved_by"], made["device_runs"]) == ("draft", "ada", None, [])
    assert api.get(f"/cutovers/{made['id']}") == made


def test_the_defaults_are_those_of_the_contract(api: Api, club: Any) -> None:
    made = api("POST", "/cutovers", {"site": club[0].pk, "starts_at": None, "certificate_thumbprint": None}).json()
    assert (made["to_scheme"], made["duration_minutes"]) == ("https", 60)
    assert (made["on_window_close"], made["on_threshold"]) == ("hold", "roll_back")
    assert (made["waves"], made["exclude"]) == ([], [])
    assert made["certificate_thumbprint"] is None


@pytest.mark.parametrize("minutes", [1, 1440])
def test_the_shortest_and_the_longest_window(api: Api, club: Any, minutes: int) -> None:
    assert api("POST", "/cutovers", {"site": club[0].pk, "duration_minutes": minutes}).status_code == 201


def test_a_plan_that_moves_nothing_is_refused_at_its_field(api: Api, club: Any) -> None:
    names = [terminal.name for terminal in club[2]]
    assert fields(api("POST", "/cutovers", {"site": club[0].pk, "exclude": names})) == ["exclude"]
    empty = make_club(0)[0]
    assert fields(api("POST", "/cutovers", {"site": empty.pk})) == ["exclude"]
    assert fields(api("POST", "/cutovers", {"site": empty.pk, "to_scheme": "http"})) == ["exclude"]
    assert not Cutover.objects.exists()


@pytest.mark.parametrize("named", [True, False])
def test_a_window_past_the_certificates_end_is_refused_at_its_field(api: Api, club: Any, named: bool) -> None:
    body = {"site": club[0].pk, "starts_at": "2029-12-31T23:30:00Z", "duration_minutes": 60}
    body |= {"certificate_thumbprint": "ab" * 20} if named else {}
    answer = api("POST", "/cutovers", body)
    assert fields(answer) == ["certificate_thumbprint"]
    assert "ends on 2030-01-01 00:00 UTC, inside the window" in answer.json()["detail"]
    assert api("POST", "/cutovers", body | {"duration_minutes": 30}).status_code == 201


def test_a_draft_whose_terminals_are_gone_or_whose_certificate_is_refused_at_start(api: Api, club: Any) -> None:
    site, server, terminals = club
    made = api("POST", "/cutovers", {"site": site.pk}).json()
    Cutover.objects.filter(pk=made["id"]).update(exclude=[t.name for t in terminals])
    answer = api("POST", f"/cutovers/{made['id']}/start")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "nothing to do: the plan excludes every terminal of this site"
    server.facts["certificates"][0]["not_after"] = "2020-01-01T00:00:00+00:00"
    server.save()
    other = make_cutover(site, certificate_thumbprint="AB" * 20)
    answer = api("POST", f"/cutovers/{other.pk}/start")
    assert answer.status_code == 409
    assert "ends on 2020-01-01 00:00 UTC, before the window opens: renew it" in answer.json()["detail"]


def test_a_running_cutover_is_shown_device_by_device(api: Api, club: Any) -> None:
    site, server, (first, second, third) = club
    cutover = make_cutover(site, state="switching", started_at=NOW, no_return_at=NOW + dt.timedelta(minutes=46))
    make_run(cutover, third, "pending", wave=1)
    make_run(cutover, second, "failed", wave=1, finding=FINDING, attempts=2, step="member_lookup")
    make_run(cutover, first, "verified", outage_ms=412, attempts=1)
    make_run(cutover, server, "verified", attempts=1)
    shown = api.get(f"/cutovers/{cutover.pk}")
    responses.CutoverWithRuns.model_validate(shown)
    assert shown["counts"] == {"verified": 1, "failed": 1, "pending": 1}
    assert shown["point_of_no_return"] == "2026-03-14T16:46:00+00:00"
    assert [(r["device"], r["kind"], r["state"]) for r in shown["device_runs"]] == [
        ("netpos", "server", "verified"),
        ("T01", "terminal", "verified"),
        ("T02", "terminal", "failed"),
        ("T03", "terminal", "pending"),
    ]
    assert shown["device_runs"][1] == {
        "device": "T01", "kind": "terminal", "state": "verified", "wave": 0, "step": None, "outage_ms": 412,
        "cut_off_ms": None, "cut_off_since": None, "attempts": 1, "by_hand": False, "proof": None, "answered_by": None,
        "answered_at": None, "finding": None,
    }  # fmt: skip
    assert shown["device_runs"][2]["finding"] == FINDING


def test_why_it_was_rolled_back_and_who_was_cut_off_how_long_stays_known(api: Api, club: Any) -> None:
    site, _, (first, second, third) = club
    cause = {"code": "settings_read_only", "message": "T01 cannot write.", "remedy": "Allow it.", "devices": ["T01"]}
    cutover = make_cutover(site, state="rolled_back", direction="back", started_at=NOW, cause=cause)
    make_run(cutover, first, "restored", finding=FINDING, cut_off_ms=12_345)
    make_run(cutover, second, "undo_failed", finding=FINDING, cut_off_since=NOW)
    make_run(cutover, third, "restored", outage_ms=900, cut_off_ms=900)
    shown = api.get(f"/cutovers/{cutover.pk}")
    responses.CutoverWithRuns.model_validate(shown)
    assert shown["cause"] == cause
    assert [(r["cut_off_ms"], r["cut_off_since"], r["finding"]) for r in shown["device_runs"]] == [
        (12_345, None, FINDING),
        (None, "2026-03-14T16:00:00+00:00", FINDING),
        (900, None, None),
    ]
    assert api.get("/cutovers")["items"][0]["cause"] == cause


def test_a_cutover_without_trouble_has_no_cause(api: Api, club: Any) -> None:
    assert api.get(f"/cutovers/{make_cutover(club[0]).pk}")["cause"] is None


def test_the_list_is_filtered_and_in_order(api: Api, club: Any) -> None:
    site, _, (first, _, _) = club
    other = make_club()[0]
    draft, running = make_cutover(site), make_cutover(site, state="switching", started_at=NOW)
    elsewhere = make_cutover(other)
    make_run(running, first, "verified")
    found = api.get("/cutovers")
    responses.Cutovers.model_validate(found)
    assert [c["id"] for c in found["items"]] == [draft.pk, running.pk, elsewhere.pk]
    assert found["items"][1]["counts"] == {"verified": 1}

    def ids(query: str) -> list[int]:
        return [c["id"] for c in api.get(f"/cutovers?{query}")["items"]]

    assert ids(f"site={site.pk}") == [draft.pk, running.pk]
    assert ids(f"site={site.pk}&state=draft") == [draft.pk]
    assert ids("site=&state=") == [draft.pk, running.pk, elsewhere.pk]
    assert ids("site=987654321") == []
    for query in ["site=x", "state=explode", "state=%00", "site=" + "9" * 40]:
        assert fields(api("GET", f"/cutovers?{query}")) == [query.split("=")[0]]


def test_transitions_come_oldest_first(api: Api, club: Any) -> None:
    site, _, (first, _, _) = club
    cutover = make_cutover(site)
    run = make_run(cutover, first)
    make_transition(cutover, "submitted", old="draft", actor="ada", reason="asked")
    make_transition(cutover, "armed", run, old="pending")
    found = api.get(f"/cutovers/{cutover.pk}/transitions")
    responses.Transitions.model_validate(found)
    assert found == {
        "count": 2,
        "items": [
            {"at": NOW.isoformat(), "device": None, "from": "draft", "to": "submitted", "actor": "ada", "reason": "asked"},
            {"at": NOW.isoformat(), "device": "T01", "from": "pending", "to": "armed", "actor": "plan", "reason": ""},
        ],
    }


def test_seven_hundred_terminals_cost_the_same_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    site, _, terminals = make_club(1)
    cutover = make_cutover(site, started_at=NOW, state="switching")
    more = Device.objects.bulk_create(Device(site=site, kind="terminal", name=f"X{i:03}") for i in range(699))
    Agent.objects.bulk_create(Agent(device=d, public_key="k") for d in more)
    DeviceRun.objects.bulk_create(DeviceRun(cutover=cutover, device=d, kind="terminal") for d in [*terminals, *more])
    api.get("/sites")
    for path, most in [(f"/cutovers/{cutover.pk}", 4), ("/cutovers", 4), (f"/cutovers/{cutover.pk}/transitions", 4)]:
        with django_assert_max_num_queries(most):
            api.get(path)
    assert len(api.get(f"/cutovers/{cutover.pk}")["device_runs"]) == 700


def test_cutover_and_runs_are_of_one_moment(api: Api, club: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between reading the cutover and reading its runs, a commit changes both.
    site, _, (first, _, _) = club
    cutover = make_cutover(site, state="switching", started_at=NOW)
    make_run(cutover, first, "verified", version=2)
    read, seen = Cutover.objects.filter, []

    def commit_after_reading(**wanted: Any) -> Any:
        seen.append(wanted)
        if len(seen) == 2:
            read(pk=cutover.pk).update(version=2, state="completed")
        return read(**wanted)

    monkeypatch.setattr(Cutover.objects, "filter", commit_after_reading)
    shown = api.get(f"/cutovers/{cutover.pk}")
    assert (shown["state"], shown["counts"]) == ("completed", {"verified": 1})
