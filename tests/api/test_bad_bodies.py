"""POST /cutovers with everything that is not a plan: a problem that names the field, never a 500, nothing kept."""

import json
from typing import Any

import pytest

from fleet.models import Cutover
from tests.api.conftest import fields

SITE = object()  # stands for the id of a real site

BAD_SITES = [
    None, [1], {"id": 1}, True, "", "1", 10**30, 10**400, -1, 0, 987654321, 1.0, "a\0b", "\ud800", "\uff11\u202e", "x" * 10_000,
    "00000000-0000-4000-8000-000000000000", [[SITE]],
]  # fmt: skip
BAD_STARTS = [
    "2001-01-01T00:00:00+00:00", "2099-01-01T03:00:00", "2099-02-30T03:00:00+00:00", "yesterday", 12345678901234567890, [],
    "0001-01-01T00:00:00+14:00", "", "\u0662\u0660\u0669\u0669-01-01T00:00:00+00:00", "2099-01-01T00:00:00+99:00",
    "2099-01-01", "2099-01-01T00:00:00+10:00\n", "9999-12-31T23:59:00-14:00", "2099-01-01T24:61:00Z", True, 1.5, "\ud800",
    "20990101T000000Z", "2099-W01-1T00:00:00Z",
]  # fmt: skip
BAD_DURATIONS = [0, -30, "an hour", "60", [60], 10**30, True, 60.0, 1441, None, "\udfff", 1e308]
BAD_POLICIES = ["explode", 3, "finish\u200b", "\ud800", "\u202ekcab_llor", "hold\0", None, ["hold"], {}, "HOLD"]
BAD_SCHEMES = ["ftp", 1, ["https"], "http\u0455", "\uff48ttps", None, "", "HTTPS", True]
BAD_THUMBPRINTS = [
    "zz", "A" * 38, 40, "\uff21" * 40, "A" * 39 + "\0", "A" * 40 + " & calc", "", "\ufb00" * 20, "A" * 40 + "\n", "AB " * 20,
    int("1" * 40),
]  # fmt: skip
BAD_NOTES = ["x" * 501, "a\0b", 5, None, "\ud83d", "\u202e"]
BAD_EXCLUDES = ["T01", [1], [None], ["T01", "nobody"], ["\ud800"], {}, None, ["x"] * 10_001]
BAD_VALUES = [
    *[("site", v) for v in BAD_SITES],
    *[("starts_at", v) for v in BAD_STARTS],
    *[("duration_minutes", v) for v in BAD_DURATIONS],
    *[("on_window_close", v) for v in BAD_POLICIES],
    *[("on_threshold", v) for v in [*BAD_POLICIES[:-1], "finish"]],
    *[("to_scheme", v) for v in BAD_SCHEMES],
    *[("certificate_thumbprint", v) for v in BAD_THUMBPRINTS],
    *[("note", v) for v in BAD_NOTES],
    *[("exclude", v) for v in BAD_EXCLUDES],
    *[("waves", v) for v in ["all", {"size": 1}, None, 5, [{"size": 1}] * 101]],
    *[(key, 1) for key in ["id", "state", "__proto__", "unknown"]],
]
BAD_WAVES = [
    (1, "waves[0]"),
    (None, "waves[0]"),
    ({"size": "many"}, "waves[0].size"),
    ({"size": True}, "waves[0].size"),
    ({"size": 1.0}, "waves[0].size"),
    ({"size": None}, "waves[0].size"),
    ({"size": -1}, "waves[0].size"),
    ({"size": 0}, "waves[0].size"),
    ({"size": 10**40}, "waves[0].size"),
    ({"percent": 0}, "waves[0].percent"),
    ({"percent": 101}, "waves[0].percent"),
    ({"percent": -5}, "waves[0].percent"),
    ({"percent": 100, "max_failed_percent": 150}, "waves[0].max_failed_percent"),
    ({"percent": 100, "max_failed": -1}, "waves[0].max_failed"),
    ({"percent": 100, "max_failed": "none"}, "waves[0].max_failed"),
    ({"percent": 100, "max_failed": "\ud800"}, "waves[0].max_failed"),
    ({"max_failed": 1}, "waves[0].size"),
    ({"size": 1, "percent": 1}, "waves[0].size"),
    ({"size": 1, "max_failed": 1, "max_failed_percent": 1}, "waves[0].max_failed"),
    ({"size": 1, "colour": "red"}, "waves[0].colour"),
]
NO_JSON = [
    b"{site: 1", b"", b"null", b"[]", b'"x"', b"5", b"true", b'{"site": "\xff\xfe"}', b"[" * 100_000, b"site=1&to_scheme=https",
    b'{"site": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", b'{"site": ' + b"9" * 5000 + b"}", b'{"site": 1, "site": 2}',
    b'{"site": 1, "duration_minutes": NaN}', b'{"site": 1, "duration_minutes": -Infinity}', b'{"site": 1, "a": 1e999}',
    b'\xef\xbb\xbf{"site": 1}', b'{"site": 1}{}', b'{"site": ' + b'["\\u0041",' * 400 + b"1" + b"]" * 400 + b", }",
]  # fmt: skip


def named(value: Any) -> str:
    return json.dumps(value, default=str)[:40]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES, ids=lambda v: named(v))
def test_a_wrong_value_is_refused_and_its_field_named(api: Any, club: Any, field: str, value: Any) -> None:
    value = [[club[0].pk]] if value == [[SITE]] else value
    answer = api("POST", "/cutovers", {"site": club[0].pk, field: value})
    assert any(name.startswith(field) for name in fields(answer))
    assert not Cutover.objects.exists()


@pytest.mark.parametrize(("wave", "field"), BAD_WAVES, ids=lambda v: named(v))
def test_a_wrong_wave_is_named_with_its_place(api: Any, club: Any, wave: Any, field: str) -> None:
    assert field in fields(api("POST", "/cutovers", {"site": club[0].pk, "waves": [wave]}))


def test_the_second_wave_is_named_as_the_second(api: Any, club: Any) -> None:
    waves = [{"size": 1}, {"percent": "half"}]
    assert fields(api("POST", "/cutovers", {"site": club[0].pk, "waves": waves})) == ["waves[1].percent"]


@pytest.mark.parametrize("raw", NO_JSON, ids=lambda raw: repr(raw[:30]))
def test_what_is_no_json_object_is_400_and_says_why(api: Any, club: Any, raw: bytes) -> None:
    answer = api("POST", "/cutovers", raw=raw)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["detail"]


def test_nothing_but_the_site_is_required(api: Any, club: Any) -> None:
    assert fields(api("POST", "/cutovers", {})) == ["site"]
    assert fields(api("POST", "/cutovers", {"to_scheme": "https"})) == ["site"]
    assert api("POST", "/cutovers", {"site": club[0].pk}).status_code == 201


def test_all_mistakes_are_named_at_once(api: Any, club: Any) -> None:
    body = {"site": "x", "duration_minutes": 0, "waves": [{"percent": 200}], "to_scheme": "ftp"}
    assert set(fields(api("POST", "/cutovers", body))) == {"site", "duration_minutes", "waves[0].percent", "to_scheme"}


def test_a_window_past_the_year_9999_is_refused(api: Any, club: Any) -> None:
    body = {"site": club[0].pk, "starts_at": "9999-12-31T23:59:00+00:00", "duration_minutes": 600}
    assert fields(api("POST", "/cutovers", body)) == ["starts_at"]


def test_a_thumbprint_of_38_digits_says_what_happened(api: Any, club: Any) -> None:
    answer = api("POST", "/cutovers", {"site": club[0].pk, "certificate_thumbprint": "A" * 38})
    assert "two digits were lost in copying" in answer.json()["errors"][0]["message"]


def test_keys_that_cannot_be_printed_are_no_trouble(api: Any, club: Any) -> None:
    for key in ["", "\0", "\ud800", "\u202e", "x" * 5000]:
        assert len(fields(api("POST", "/cutovers", {"site": club[0].pk, key: 1}))) == 1


def test_many_mistakes_make_a_short_answer(api: Any, club: Any) -> None:
    answer = api("POST", "/cutovers", {"site": club[0].pk, "exclude": [f"nobody {i}" for i in range(9000)]})
    assert len(answer.json()["errors"]) == 100
    assert len(answer.content) < 20_000
