"""Filling a probe, and judging what comes back."""

import json
import time

import pytest

from agents.probes import httpsys, validator
from agents.probes.filling import fill
from agents.probes.judging import MAX_SEARCHED, judge
from agents.probes.pattern import PatternError, compile_pattern
from agents.probes.profile import Expectation, JsonValue, ProbeError, Values
from tests.probes.samples import REST, SOAP

VALUES = Values("1001", "Bar 1", "s3cret")
JSON = (("Content-Type", "application/json"),)


def test_values_stand_where_the_placeholders_were() -> None:
    member = fill(validator.parse(REST).profile.member, VALUES)
    assert (member.method, member.target, member.headers, member.body) == (
        "GET", "/netpos/members/1001", (("X-Terminal", "Bar 1"),), b"",
    )  # fmt: skip
    assert b"<AccessCode>s3cret</AccessCode><Member>1001</Member>" in fill(validator.parse(SOAP).profile.member, VALUES).body


@pytest.mark.parametrize(
    ("number", "target", "element"),
    [
        ("../../admin", "/netpos/members/..%2F..%2Fadmin", b"<Member>../../admin</Member>"),
        ("1 HTTP/1.1\r\nX: y", "/netpos/members/1%20HTTP%2F1.1%0D%0AX%3A%20y", b"<Member>1 HTTP/1.1\r\nX: y</Member>"),
        ("</Member><a/>", "/netpos/members/%3C%2FMember%3E%3Ca%2F%3E", b"<Member>&lt;/Member&gt;&lt;a/&gt;</Member>"),
        ("{terminal}", "/netpos/members/%7Bterminal%7D", b"<Member>{terminal}</Member>"),
    ],
)
def test_a_value_stays_a_value(number: str, target: str, element: bytes) -> None:
    values = Values(number, "T", "c")
    assert fill(validator.parse(REST).profile.member, values).target == target
    assert element in fill(validator.parse(SOAP).profile.member, values).body


def test_a_value_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(ProbeError, match="X-Terminal"):
        fill(validator.parse(REST).profile.member, Values("1", "Bar\r\nX: y"))


def test_a_value_that_nobody_knows_is_asked_for_by_name() -> None:
    with pytest.raises(ProbeError, match="access_code"):
        fill(validator.parse(SOAP).profile.member, Values("1", "T"))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"m": "\\"}{\\""}'),
        ("application/x-www-form-urlencoded", b'{"m": "%22%7D%7B%22"}'),
        ("text/plain", b'{"m": ""}{""}'),
    ],
)
def test_a_body_is_escaped_for_its_type(kind: str, body: bytes) -> None:
    text = SOAP.decode().replace("text/xml; charset=utf-8", kind)
    text = text.replace(
        "<Envelope><AccessCode>{access_code}</AccessCode><Member>{member}</Member></Envelope>", '{"m": "{member}"}'
    )
    assert fill(validator.parse(text.encode()).profile.member, Values('"}{"', "T")).body == body


def test_a_body_is_written_in_its_charset() -> None:
    text = SOAP.decode().replace("charset=utf-8", "charset=utf-16")
    assert fill(validator.parse(text.encode()).profile.member, VALUES).body.decode("utf-16").startswith("<Envelope>")
    ascii_only = SOAP.decode().replace("charset=utf-8", "charset=us-ascii")
    with pytest.raises(ProbeError, match="us-ascii"):
        fill(validator.parse(ascii_only.encode()).profile.member, Values("\u00e4", "T", "c"))


@pytest.mark.parametrize(
    ("expect", "missed"),
    [
        (Expectation(200), None),
        (Expectation(404), "status"),
        (Expectation(200, type="application/json"), None),
        (Expectation(200, type="text/xml"), "type"),
        (Expectation(200, contains="{member}"), None),
        (Expectation(200, contains="nobody"), "contains"),
        (Expectation(200, matches='"points": [0-9]+'), None),
        (Expectation(200, matches="^points"), "matches"),
        (Expectation(200, json=JsonValue(("members", "0", "number"), "{member}")), None),
        (Expectation(200, json=JsonValue(("members", "0", "active"), "true")), None),
        (Expectation(200, json=JsonValue(("members", "1", "number"), "1001")), "json"),
        (Expectation(200, json=JsonValue(("members",), "x")), "json"),
    ],
)
def test_each_expectation_by_itself(expect: Expectation, missed: str | None) -> None:
    body = json.dumps({"members": [{"number": 1001, "active": True, "name": "Ann", "points": 7}]}).encode()
    told = judge(expect, 200, JSON, body, VALUES)
    assert told.missed == missed
    assert "Ann" not in json.dumps(told.evidence()), "personal data never leaves the device"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
@pytest.mark.parametrize("charset", ["", "; charset=klingon", "; charset=utf-16", '; charset="\0"'])
def test_any_response_is_judged(body: bytes, charset: str) -> None:
    headers = (("Content-Type", f"application/json{charset}"),)
    assert judge(Expectation(200, json=JsonValue(("a",), "b")), 200, headers, body, VALUES).missed == "json"


@pytest.mark.parametrize(
    "text", ["(a+)+$", "a|b", r"(\d)\1", "a**", "(?=a)", "[", "a{2,1}", "a{500}", "*", "", "x" * 301, ".*.*.*"]
)
def test_patterns_that_could_be_slow_are_refused(text: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<Number>[0-9]{1,9}</Number>", "<Number>1001</Number>"),
        (r"\d+ \w", "7 a"),
        ("^a.c$", "abc"),
        (r"\(x\)?", "(x"),
        ("[^<]+<", "a<"),
    ],
)
def test_patterns_of_everyday_use(text: str, found: str) -> None:
    assert compile_pattern(text).search(found)


def test_the_slowest_patterns_that_are_allowed_take_moments() -> None:
    for text in ("a?" * 9 + "b", "a{0,30}a{0,30}b", "[^x]{0,9}[^y]{0,9}[^z]{0,9}q"):
        begun = time.process_time()
        assert not compile_pattern(text).search("a" * MAX_SEARCHED)
        assert time.process_time() - begun < 5, text
    with pytest.raises(PatternError, match="1024 ways"):
        compile_pattern("a?" * 10 + "b")


PAGE = (
    b'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n<HTML><HEAD><TITLE>Not Found'
    b"</TITLE>\r\n</HEAD><BODY><h2>Not Found</h2>\r\n<hr><p>HTTP Error 404. The requested resource is not found.</p>\r\n</BODY>"
)
OWN = (("Server", "Microsoft-HTTPAPI/2.0"),)


@pytest.mark.parametrize(
    ("status", "headers", "body", "alone"),
    [
        (404, OWN, PAGE, True),
        (503, OWN, b"", True),
        (404, OWN, b'{"error": "no such member"}', False),
        (404, OWN, b"", False),
        (200, OWN, PAGE, False),
        (503, (), b"", False),
        (500, OWN, b"", False),
    ],
)
def test_what_http_sys_says_by_itself_is_told_apart(status: int, headers: tuple, body: bytes, alone: bool) -> None:
    assert httpsys.answered_alone(status, headers, body) is alone
