"""GET /terminals, GET and PATCH /terminals/{id}."""

import datetime as dt
from typing import Any

import pytest

from fleet.api import responses
from fleet.models import Device
from tests.api.conftest import Api, fields
from tests.factories import NOW, make_club, make_cutover, make_device, make_run, make_site


def names(api: Api, query: str = "") -> list[str]:
    return [item["name"] for item in api.get(f"/terminals{query}")["items"]]


def test_an_item_has_what_is_documented(api: Api, club: Any) -> None:
    site, _, terminals = club
    page = responses.Terminals.model_validate(api.get("/terminals"))
    assert page.count == 3
    assert api.get("/terminals")["items"][0] == api.get(f"/terminals/{terminals[0].pk}") == {
        "id": terminals[0].pk,
        "name": "T01",
        "site": site.pk,
        "state": "idle",
        "scheme": "http",
        "host": "netpos.club.example",
        "port": 10101,
        "address": None,
        "by_hand": False,
        "note": "",
        "tags": [],
        "agent": {"connected": True, "last_seen": NOW.isoformat()},
    }  # fmt: skip


def test_without_an_agent_or_with_a_revoked_one_there_is_none(api: Api) -> None:
    site = make_site()
    make_device(site, name="A", agent=False, scheme="", host="", port=None)
    revoked = make_device(site, name="B")
    revoked.agent.revoked_at = NOW
    revoked.agent.save()
    first, second = api.get("/terminals")["items"]
    assert (first["agent"], first["scheme"], first["host"], first["port"]) == (None, None, None, None)
    assert second["agent"] is None
    assert (first["by_hand"], second["by_hand"]) == (True, True)


def test_the_state_is_that_of_the_latest_started_cutover(api: Api, club: Any) -> None:
    site, _, (first, second, _) = club
    older = make_cutover(site, state="rolled_back", started_at=NOW)
    latest = make_cutover(site, state="switching", started_at=NOW + dt.timedelta(hours=1))
    draft = make_cutover(site)
    make_run(older, first, "restored")
    make_run(older, second, "restored")
    make_run(latest, first, "verified")
    make_run(draft, first, "pending")
    assert [t["state"] for t in api.get("/terminals")["items"]] == ["verified", "idle", "idle"]
    assert names(api, "?state=verified") == ["T01"]
    assert names(api, "?state=idle") == ["T02", "T03"]
    assert names(api, "?state=restored") == []


def test_pages_are_stable_and_count_is_of_all(api: Api) -> None:
    make_club(25)
    pages = [api.get(f"/terminals?limit=10&offset={offset}") for offset in (0, 10, 20, 30)]
    assert [page["count"] for page in pages] == [25] * 4
    assert [item["name"] for page in pages for item in page["items"]] == [f"T{i:02}" for i in range(1, 26)]


def test_a_hundred_come_without_a_limit_and_a_hundred_thousand_may(api: Api) -> None:
    make_club(101)
    assert len(names(api)) == 100
    assert len(names(api, "?limit=100000")) == 101


WRONG_QUERIES = [
    *[f"limit={v}" for v in ["abc", "-1", "0", "", "1.0", "1_0", "%201", "%EF%BC%91", "100001", "9" * 30]],
    *[f"offset={v}" for v in ["-5", "x", "", "9" * 30]],
    *[f"q={v}" for v in ["%00", "x" * 3000]],
    *[f"site={v}" for v in ["%00", "9" * 40, "-1", "0", "x"]],
    *[f"state={v}" for v in ["%F0%9F%92%A9", "VERIFIED"]],
]
ODD_QUERIES = ["site=&state=&q=", "offset=9223372036854775807", "site=9223372036854775807", "q=%FF%FE", "q=%25"]


@pytest.mark.parametrize("query", WRONG_QUERIES, ids=lambda q: q[:20])
def test_a_wrong_query_is_named(api: Api, query: str) -> None:
    assert fields(api("GET", f"/terminals?{query}")) == [query.split("=")[0]]


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_an_odd_query_is_answered(api: Api, club: Any, query: str) -> None:
    assert api("GET", f"/terminals?{query}").status_code == 200


def test_search_finds_names_notes_and_tags(api: Api) -> None:
    site = make_site()
    make_device(site, name="Bar 1")
    make_device(site, name="Till 2", note="behind the BAR")
    make_device(site, name="Till 3", tags=["barrel"])
    make_device(site, name="Till 4", tags=["100%"])
    assert names(api, "?q=bar") == ["Bar 1", "Till 2", "Till 3"]
    assert names(api, "?q=%25") == ["Till 4"]


def test_one_site_only(api: Api, club: Any) -> None:
    other, _, _ = make_club(2)
    assert len(names(api)) == 5
    assert len(names(api, f"?site={other.pk}")) == 2


def test_ten_or_a_hundred_cost_the_same_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    make_club(100)
    with django_assert_max_num_queries(5):  # token, its use, role, page, count
        api.get("/terminals?limit=100&q=T")


def test_a_change_changes_what_is_given_and_nothing_else(api: Api, club: Any) -> None:
    terminal = club[2][0]
    changed = api("PATCH", f"/terminals/{terminal.pk}", {"name": "  Front bar ", "tags": ["bar", "bar", " café "]}).json()
    assert (changed["name"], changed["note"], changed["tags"]) == ("Front bar", "", ["bar", "café"])
    assert api("PATCH", f"/terminals/{terminal.pk}", {"note": "by the door"}).json()["note"] == "by the door"
    assert api("PATCH", f"/terminals/{terminal.pk}", {}).json() == api.get(f"/terminals/{terminal.pk}")
    assert Device.objects.get(pk=terminal.pk).scheme == "http"


def test_a_terminal_is_marked_as_done_by_hand_and_has_an_address(api: Api, club: Any) -> None:
    path = f"/terminals/{club[2][0].pk}"
    changed = api("PATCH", path, {"by_hand": True, "address": " ::ffff:192.168.1.20 "}).json()
    assert (changed["by_hand"], changed["address"]) == (True, "192.168.1.20")
    changed = api("PATCH", path, {"by_hand": False, "address": ""}).json()
    assert (changed["by_hand"], changed["address"]) == (False, None)


BAD_NAMES = ["", "  ", None, 5, True, "x" * 101, "a\0b", "a\nb", "a\x85b", "\u202eexe", "\ud800", ["a"]]
BAD_NOTES = ["x" * 501, "\0", True, None, "\ud800"]
BAD_TAGS = ["bar", None, [str(i) for i in range(21)], ["x" * 41], ["a\0"]]
BAD_CHANGES = [
    *[({"name": v}, "name") for v in BAD_NAMES],
    *[({"note": v}, "note") for v in BAD_NOTES],
    *[({"tags": v}, "tags") for v in BAD_TAGS],
    *[({"by_hand": v}, "by_hand") for v in [None, "true", 1, 0, []]],
    *[({"address": v}, "address") for v in [None, "netpos", "192.168.1", "192.168.1.20/24", "fe80::1%eth0", 5, "\ud800"]],
    ({"tags": ["a", 5]}, "tags[1]"),
    ({"scheme": "https"}, "scheme"),
    ({"id": 5}, "id"),
]


@pytest.mark.parametrize(("body", "field"), BAD_CHANGES, ids=lambda v: ascii(v)[:40])
def test_a_wrong_change_is_named_and_changes_nothing(api: Api, club: Any, body: Any, field: str) -> None:
    terminal = club[2][0]
    assert fields(api("PATCH", f"/terminals/{terminal.pk}", {"note": "new"} | body)) == [field]
    assert Device.objects.get(pk=terminal.pk).note == ""


def test_a_name_is_unique_within_its_site(api: Api, club: Any) -> None:
    _, _, (first, _, _) = club
    elsewhere = make_club()[2][0]
    assert api("PATCH", f"/terminals/{first.pk}", {"name": "T02"}).status_code == 409
    assert api("PATCH", f"/terminals/{first.pk}", {"name": "netpos"}).status_code == 409
    assert api("PATCH", f"/terminals/{first.pk}", {"name": "T01"}).status_code == 200
    assert api("PATCH", f"/terminals/{elsewhere.pk}", {"name": "T99"}).status_code == 200


def test_a_server_is_no_terminal(api: Api, club: Any) -> None:
    assert api("GET", f"/terminals/{club[1].pk}").status_code == 404
    assert api("PATCH", f"/terminals/{club[1].pk}", {"name": "x"}).status_code == 404


def test_a_renamed_terminal_stays_excluded_from_plans(api: Api, club: Any) -> None:
    site, _, (first, _, _) = club
    draft = make_cutover(site, exclude=["T01", "T02"])
    ended = make_cutover(site, exclude=["T01"], state="completed")
    assert api("PATCH", f"/terminals/{first.pk}", {"name": "Front bar"}).status_code == 200
    draft.refresh_from_db()
    ended.refresh_from_db()
    assert draft.exclude == ["Front bar", "T02"]
    assert ended.exclude == ["T01"]
