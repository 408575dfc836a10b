"""What was seen becomes a profile, with its reasons; credentials become none of it."""

from dataclasses import replace

import pytest

from agents.probes import validator, writer
from agents.probes.profile import ProbeProfile
from agents.probes.recording.exchanges import Exchange
from agents.probes.recording.proposal import propose

JSON = (("Content-Type", "application/json; charset=utf-8"),)
XML = (("Content-Type", "text/xml"),)
LIST = Exchange(1, "GET", "/api/interfaces?v=2", (("Host", "s"), ("X-Till", "Bar 1")), b"", 200, JSON, b'["a"]')
FIRST = Exchange(1, "GET", "/api/members/1001", (("Host", "s"),), b"", 200, JSON, b'{"number": 1001, "name": "Ann"}')
SECOND = replace(FIRST, target="/api/members/1002", response_body=b'{"number": 1002, "name": "Bob"}')


def soap(action: str, inner: str, answer: str) -> Exchange:
    headers = (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", f'"urn:{action}"'), ("Connection", "keep-alive"))
    body = f"<E><AccessCode>4711</AccessCode>{inner}</E>"
    return Exchange(1, "POST", "/Service.asmx", headers, body.encode(), 200, XML, answer.encode())


INTERFACES = soap("List", "<List/>", "<Interface/>")
LOOKUPS = [soap("Member", f"<Member>{n}</Member>", f"<M><No>{n}</No><Name>Ann</Name></M>") for n in (1001, 1002)]


def learnt(*exchanges: Exchange, members: tuple[str, ...] = (), terminal: str = "") -> ProbeProfile:
    """The profile, which must be one that the validator takes from the text that is written."""
    proposal = propose(exchanges, members, terminal)
    assert proposal.profile is not None, proposal.missing
    text = writer.write(proposal.profile, proposal.reasons)
    assert validator.parse(text.encode()).profile == proposal.profile
    assert "Ann" not in text, "personal data is not kept"
    return proposal.profile


def test_a_number_that_differs_is_the_members() -> None:
    profile = learnt(LIST, FIRST, SECOND)
    assert (profile.member.method, profile.member.path) == ("GET", "/api/members/{member}")
    assert (profile.member.expect.status, profile.member.expect.type, profile.member.expect.contains) == (
        200,
        "application/json",
        "{member}",
    )
    assert (profile.interfaces.path, profile.interfaces.headers) == ("/api/interfaces?v=2", (("X-Till", "Bar 1"),))
    assert "differed in this number only" in propose([LIST, FIRST, SECOND]).reasons["member"][0]


def test_soap_with_an_access_code() -> None:
    profile = learnt(INTERFACES, *LOOKUPS, INTERFACES)
    assert profile.member.body == "<E><AccessCode>{access_code}</AccessCode><Member>{member}</Member></E>"
    assert profile.member.headers == (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", '"urn:Member"'))
    assert "<List/>" in profile.interfaces.body


def test_a_number_that_was_typed_is_enough_for_a_get() -> None:
    assert learnt(LIST, FIRST, members=("1001",)).member.path == "/api/members/{member}"


@pytest.mark.parametrize(
    ("exchanges", "members", "words"),
    [
        ((), (), ["member lookup", "Refresh Interface List"]),
        ((LIST,), (), ["two different members"]),
        ((FIRST, SECOND), (), ["Refresh Interface List"]),
        ((INTERFACES, INTERFACES, LOOKUPS[0]), ("1001",), ["two different members"]),
        ((INTERFACES, *LOOKUPS), (), ["Refresh Interface List"]),
    ],
    ids=["nothing", "no lookup", "no list", "a POST once is not shown to read", "a list by POST once is not shown to read"],
)
def test_what_is_missing_is_said(exchanges: tuple[Exchange, ...], members: tuple[str, ...], words: list[str]) -> None:
    proposal = propose(exchanges, members)
    assert proposal.profile is None
    assert [word in sentence for word, sentence in zip(words, proposal.missing, strict=True)] == [True] * len(words)


def test_bad_responses_teach_nothing() -> None:
    assert propose([replace(one, status=500) for one in (LIST, FIRST, SECOND)]).profile is None


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (("Authorization", "Basic eDp5"), ()),
        (("Cookie", "a=b"), ()),
        (("X-Api-Key", "k"), ()),
        (("X-Session-Id", "77"), ()),
        (("X-Access-Code", "4711"), (("X-Access-Code", "{access_code}"),)),
        (("X-Till", "Bar 1"), (("X-Till", "{terminal}"),)),
        (("Content-Length", "0"), ()),
    ],
)
def test_headers_of_credentials_are_left_out_or_replaced(header: tuple[str, str], kept: tuple[tuple[str, str], ...]) -> None:
    exchanges = [replace(one, headers=(("Host", "s"), header)) for one in (LIST, FIRST, SECOND)]
    profile = learnt(*exchanges, terminal="Bar 1")
    assert profile.member.headers == kept
    assert header[1] not in writer.write(profile) or header[0] == "Content-Length"


@pytest.mark.parametrize("name", ["Password", "pin", "ApiToken", "ns:PassPhrase"])
def test_other_secrets_are_masked_and_that_is_said(name: str) -> None:
    exchanges = [
        replace(one, body=(one.body or b"").replace(b"<E>", f"<E><{name}>hunter2</{name}>".encode()))
        for one in (*LOOKUPS, INTERFACES)
    ]
    profile = learnt(*exchanges, exchanges[2])
    assert "hunter2" not in writer.write(profile)
    assert any("password" in reason for reason in propose([*exchanges, exchanges[2]]).reasons["member"])
