"""Reading netsh by the shape of the values. The captures are not ours to publish: where the research folder
is missing, the tests on them are skipped, aloud."""

import json
import time
from pathlib import Path

import pytest

from agents.hosts import netsh_text

CAPTURES = Path("/work/shared/netsh")
NAMES = sorted(path.stem for path in CAPTURES.glob("*.json")) if CAPTURES.is_dir() else []


def _capture(name: str) -> tuple[str, list[dict], str]:
    about = json.loads((CAPTURES / f"{name}.json").read_text())
    text = (CAPTURES / f"{name}.txt").read_bytes().decode(about.get("encoding") or "utf-8", errors="replace")
    return text, about["expected"], about.get("command", "")


@pytest.mark.skipif(not NAMES, reason=f"{CAPTURES} is not here: netsh captures are NOT tested")
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("sc_")])
def test_every_capture_is_read_as_expected(name: str) -> None:
    text, expected, _ = _capture(name)
    bindings = [row for row in expected if row["kind"] == "sslcert"]
    reservations = [row for row in expected if row["kind"] == "urlacl"]
    assert [(row.endpoint, row.certhash, row.appid, row.store) for row in netsh_text.parse_sslcert(text).rows] == [
        (row["endpoint"], row["certhash"] and row["certhash"].upper(), row["appid"], row["store"]) for row in bindings
    ]
    assert [(row.url, row.sddl) for row in netsh_text.parse_urlacl(text).rows] == [
        (row["url"], row["sddl"]) for row in reservations
    ]
    for row in expected:
        if row["kind"] in ("error", "ok"):
            assert netsh_text.error_number(text) == row.get("code")


ROW = "    {}: 0.0.0.0:10101\n    x : {}\n    y : {{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}}\n    z : MY\n"
HASH = "52" * 20


@pytest.mark.parametrize(
    "text", [HASH, HASH.lower(), " ".join(["52"] * 20), "\u200e" + HASH, HASH + "\u00a0", "\ufeff" + HASH], ids=range(6)
)
@pytest.mark.parametrize("label", ["IP:port ", "Nome do host:porta\u00a0", "", "IP\uff1aport\uff1a "])
def test_hashes_and_labels_in_every_dress(text: str, label: str) -> None:
    parsed = netsh_text.parse_sslcert(ROW.format(label, text).replace("\n", "\r\n"))
    assert parsed.certain
    assert [(row.endpoint, row.certhash, row.store) for row in parsed.rows] == [("0.0.0.0:10101", HASH, "MY")]


@pytest.mark.parametrize("text", ["(null)", "g" + HASH[1:], HASH[2:], HASH + "00", "", "[redacted]"])
def test_a_hash_that_cannot_be_read_is_not_certain(text: str) -> None:
    parsed = netsh_text.parse_sslcert(ROW.format("a ", text))
    assert (parsed.certain, parsed.rows[0].certhash) == (False, None)


def test_a_row_never_takes_a_neighbours_hash() -> None:
    parsed = netsh_text.parse_sslcert("a : 0.0.0.0:1\n" + ROW.format("a ", HASH))
    assert [row.certhash for row in parsed.rows] == [None, HASH]


@pytest.mark.parametrize("text", ["", "\r\n", "\nTitel:\n-------\n\n"])
def test_an_empty_list_is_certain(text: str) -> None:
    assert netsh_text.parse_sslcert(text) == netsh_text.Bindings((), True)
    assert netsh_text.parse_urlacl(text) == netsh_text.Reservations((), True)


@pytest.mark.parametrize(
    "text", ["Access is denied.", "a\nb\nc", "IP:port : nothing\n", "Title:\n---\nunreadable", "0.0.0.0:443"]
)
def test_text_in_which_nothing_can_be_read_is_not_an_empty_list(text: str) -> None:
    assert not netsh_text.parse_sslcert(text).certain
    assert not netsh_text.parse_urlacl(text).certain


def test_a_security_descriptor_broken_over_lines_is_joined_and_a_cut_one_is_not() -> None:
    text = "U : https://+:443/a/\n  S: D:(A;;GX;;;S-1-5-80-12\n34-5)(A;;GX;;;WD)\nU : http://*:80/\n  S: D:(A;;GX\n  T: Yes\n"
    assert [(row.url, row.sddl) for row in netsh_text.parse_urlacl(text).rows] == [
        ("https://+:443/a/", "D:(A;;GX;;;S-1-5-80-1234-5)(A;;GX;;;WD)"),
        ("http://*:80/", None),
    ]


LONG = "a label that is longer than most others and nearly reaches the edge"


def test_values_broken_over_lines_are_joined_and_what_merely_follows_is_not() -> None:
    text = f"{LONG} : 0.0.0.0:10\n101\n{LONG} :\n {HASH[:38]}\n{HASH[38:]}\n{LONG} : 10.0.0.5:443\nOk.\n{LONG} : {HASH}\nab\n"
    assert [(row.endpoint, row.certhash) for row in netsh_text.parse_sslcert(text).rows] == [
        ("0.0.0.0:10101", HASH),
        ("10.0.0.5:443", HASH),
    ]
    text = f"{LONG} : http:\n//+:101\n01/a\nb/\n{LONG} : D:\n(A;;GX;;;WD)\n(A;;GX;;;BU)\n{LONG} : http://*:80/a/\ndeleted\n"
    assert [(row.url, row.sddl) for row in netsh_text.parse_urlacl(text).rows] == [
        ("http://+:10101/ab/", "D:(A;;GX;;;WD)(A;;GX;;;BU)"),
        ("http://*:80/a/", None),
    ]
    assert netsh_text.error_number(f"{LONG}: 13\n12\n") == 1312
    assert netsh_text.error_number("Error: 13\n12\n") == 13


@pytest.mark.parametrize("endpoint", ["[::]:10101", "[fe80::1%4]:10101", "10.0.0.5:10101", "till.example:10101", "*:10101"])
def test_every_kind_of_endpoint_is_seen(endpoint: str) -> None:
    parsed = netsh_text.parse_sslcert(ROW.format("a ", HASH).replace("0.0.0.0:10101", endpoint))
    assert [(row.endpoint, row.port) for row in parsed.rows] == [(endpoint, 10101)]


@pytest.mark.parametrize("text", ["Error: 183\nmore", "Fehler: 183\r\n", "Erreur\u00a0: 183", "\u9519\u8bef\uff1a183"])
def test_error_numbers_are_found_in_any_language(text: str) -> None:
    assert netsh_text.error_number(text) == 183


def test_huge_and_hostile_text_is_read_in_linear_time() -> None:
    begun = time.process_time()
    for text in (
        ("a : " + "-" * 2000 + "x\n" + "b : " + "a." * 900 + ":\n") * 300,
        (LONG + " : D:(\n" + "()\n" * 60) * 1000,
        (LONG + " : \n" + "a.b\n" * 60) * 1000,
        "1" * 300_000 + "\n12",
    ):
        assert not netsh_text.parse_sslcert(text).certain
        assert not netsh_text.parse_urlacl(text).certain
        assert netsh_text.error_number(text) is None
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\nIP addresses present in the IP listen list:\n-----------\n\n    10.0.0.5\n    ::1\n\n", ("10.0.0.5", "::1")),
        ("\nIP-Adressen in der IP-Abhörliste:\n----------\n\n", ()),
        ("", ()),
        ("\nThe following command was not found: http show iplisten.\n", None),
    ],
)
def test_the_listen_list_in_any_words(text: str, wanted: tuple[str, ...] | None) -> None:
    assert netsh_text.parse_iplisten(text) == wanted
