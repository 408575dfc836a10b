"""A terminal's host string: what can be compared with a certificate, and what is refused in plain words."""

import ipaddress

import pytest

from fleet.preflight.certificate.hosts import parse_address, parse_host, parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pos-srv", "pos-srv"),
        ("POS.Club.LAN", "pos.club.lan"),
        ("pos.", "pos"),
        ("xn--ks-hka", "xn--ks-hka"),
        ("küche", "xn--kche-0ra"),
    ],
)
def test_names_are_compared_in_one_spelling(text: str, name: str) -> None:
    assert parse_host(text).name == name


@pytest.mark.parametrize("text", ["10.0.0.5", "fd00::5", "[fd00::5]", "FD00:0:0::5"])
def test_addresses_are_told_from_names(text: str) -> None:
    assert parse_host(text).address in (ipaddress.ip_address("10.0.0.5"), ipaddress.ip_address("fd00::5"))


@pytest.mark.parametrize(
    "text",
    ["", ".", "pos_srv", " pos", "pos srv", "pos\tsrv", "https://pos", "pos/x", "pos:10101", "*.lan", "-pos", "pos-", "a..b",
     "10.0.0.256", "127.1", "0x7f000001", "fe80::1%4", "x" * 64, ".".join(["abc"] * 70), "a\u0000b", "\ud800", "💥" * 70],
)  # fmt: skip
def test_what_cannot_be_compared_has_a_reason_and_neither_name_nor_address(text: str) -> None:
    host = parse_host(text)
    assert host.fault
    assert (host.name, host.address) == (None, None)


def test_a_stated_kind_is_believed() -> None:
    assert parse_name("10.0.0.5").fault
    assert parse_address("pos").fault
