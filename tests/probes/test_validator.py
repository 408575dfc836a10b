"""Probe profiles: good ones are read, every mistake of a bad one is told, and nothing in one becomes another request."""

import random
import re
import string

import pytest

from agents.probes import grammar, validator, writer
from agents.probes.filling import fill
from agents.probes.profile import MAX_BYTES, ProbeError, Values
from tests.probes.samples import REST, SOAP

VALUES = Values("1001", "Bar 1", "s3cret")


def errors(text: str) -> list[str]:
    with pytest.raises(ProbeError) as caught:
        validator.parse(text.encode())
    return caught.value.errors


def changed(old: str, new: str, of: bytes = REST) -> str:
    text = of.decode()
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("text", [REST, SOAP])
def test_a_good_profile_is_read_and_written_as_it_was(text: bytes) -> None:
    profile = validator.parse(text).profile
    assert validator.parse(writer.write(profile, {"member": ["two\nlines"]}).encode()).profile == profile


def test_what_a_person_should_look_at_is_said() -> None:
    warnings = validator.parse(SOAP).warnings
    assert [w.split(":")[0] for w in warnings] == ["interfaces.method", "member.method"]
    bare = changed('expect = { status = 200, type = "application/json" }', "expect = { status = 200 }").encode()
    assert any("status alone" in w for w in validator.parse(bare).warnings)
    assert any("{member}" in w for w in validator.parse(changed("/members/{member}", "/members/7").encode()).warnings)


def test_every_mistake_is_told_at_once() -> None:
    text = """
    colour = 1
    [interfaces]
    method = "BREW"
    path = "http://elsewhere/"
    [interfaces.headers]
    Host = "elsewhere"
    "X Y" = "1"
    A = "line\\nline"
    [interfaces.expect]
    status = "ok"
    type = "JSON"
    matches = "(a+)+$"
    [member]
    method = "GET"
    path = "//elsewhere/x"
    body = "x"
    """
    fields = [error.split(": ")[0] for error in errors(text)]
    assert fields == [
        "colour",
        "interfaces.method",
        "interfaces.path",
        "interfaces.headers.Host",
        "interfaces.headers.X Y",
        "interfaces.headers.A",
        "interfaces.expect.status",
        "interfaces.expect.type",
        "interfaces.expect.matches",
        "member.path",
        "member.body",
        "member.expect",
        "member.expect.status",
    ]


@pytest.mark.parametrize(
    "path", ["", "x", "//h/x", "/a b", "/a\r\nX: y", "/a#f", "/\u00e4", "/{host}", "/%zz", "http://h/", "/" + "a" * 2001]
)
def test_a_path_is_a_path_and_nothing_else(path: str) -> None:
    assert grammar.path_error(path)


@pytest.mark.parametrize("name", [*sorted(grammar.OURS), "Host", "CONTENT-LENGTH", "a b", "a:b", "", "\u00e4", "x" * 101])
def test_headers_of_the_connection_are_not_a_profiles(name: str) -> None:
    assert grammar.header_name_error(name)


@pytest.mark.parametrize("text", [b"\xff", b"[a", b"x" * (MAX_BYTES + 1), b"a=" + b"[" * 3000, b""])
def test_what_is_no_profile_is_refused(text: bytes) -> None:
    with pytest.raises(ProbeError):
        validator.parse(text)


def test_5000_hostile_profiles_are_refused_or_are_exactly_the_request_they_describe() -> None:
    rng = random.Random(12)
    alphabet = string.printable + "\r\n\0\x7f\u00e4\u2028{}%/\\\"'<>"
    refused = 0
    for _ in range(5000):
        text = list(rng.choice((REST, SOAP)).decode())
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(text))
            piece = rng.choice(
                ("\\r\\nHost: evil", "http://evil/", "//evil", "{", "}", "\\u0000", "{member}", rng.choice(alphabet))
            )
            text[place : place + rng.choice((0, 1))] = piece
        try:
            profile = validator.parse("".join(text).encode("utf-8", "surrogatepass")).profile
        except ProbeError:
            refused += 1
            continue
        for probe in (profile.interfaces, profile.member):
            try:
                request = fill(probe, VALUES)
            except ProbeError:
                continue
            assert request.method in grammar.METHODS
            assert request.target.startswith("/")
            assert not request.target.startswith("//")
            assert re.fullmatch(r"[\x21-\x7e]+", request.target)
            assert len(request.headers) == len(probe.headers)
            for name, value in request.headers:
                assert name.lower() not in grammar.OURS
                assert value.isprintable() or "\t" in value
                assert not set(value) & {"\r", "\n"}
    assert 1000 < refused < 5000
