"""Rows of the Central Certificate Store: a port and no hash, told from other numbers by the shape of what follows. And
rows that are not understood: never passed over in silence."""

import pytest

from agents.hosts import netsh_text

HASH = "52" * 20
IIS = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"
# What follows in every row; some of it are numbers, which are no ports.
TAIL = ["Usage Check : Enabled", "Freshness Time : 0", "Timeout : 15", "Ctl : (null)", "Extended:", "PropertyId : 3"]


def _row(label: str, place: str, hash_: str, appid: str, store: str) -> str:
    lines = [f"{label} : {place}", f"Hash : {hash_}", f"ID : {appid}", f"Store : {store}", *TAIL]
    return "".join(f"    {line}\n" for line in lines) + "\n"


ORDINARY = _row("IP:port", "0.0.0.0:10101", HASH, "{77ba29fd-9f7a-45b0-8d7e-1ee5d879951b}", "MY")
NAMED = _row("Hostname:port", "shop.example:443", HASH, IIS, "(null)")
LABELS = [
    "Central Certificate Store   ",
    "Zentraler Zertifikatspeicher",
    "Repositório: central de certificados",
    "\u4e2d\u592e\uff1a\u8bc1\u4e66",
    "",
]
NONE = ["", "(null)", "(Null)", "<none>", "-", "0" * 40]


def _central(port: int | str = 443, none: str = "(null)", label: str = LABELS[0], store: str = "(null)") -> str:
    return _row(label, str(port), none, IIS, store)


@pytest.mark.parametrize("none", NONE)
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("title", ["", "\nSSL Certificate bindings:\n-------------------------\n\n"])
@pytest.mark.parametrize("blank", [True, False])
def test_the_central_store_has_rows_without_a_hash(none: str, label: str, title: str, blank: bool) -> None:
    for blocks, wanted in {
        ("c",): ["CCS:443"],
        ("c", "o"): ["CCS:443", "0.0.0.0:10101"],
        ("o", "c"): ["0.0.0.0:10101", "CCS:443"],
        ("o", "c", "n"): ["0.0.0.0:10101", "CCS:443", "shop.example:443"],
        ("c", "d", "o", "c"): ["CCS:443", "CCS:8443", "0.0.0.0:10101", "CCS:443"],
    }.items():
        kinds = {"c": _central(none=none, label=label), "d": _central(8443, none, label), "o": ORDINARY, "n": NAMED}
        text = title + "".join(kinds[block] for block in blocks)
        parsed = netsh_text.parse_sslcert(text if blank else text.replace("\n\n", "\n"))
        assert parsed.certain
        assert [row.endpoint for row in parsed.rows] == wanted
        assert [(row.certhash, row.appid, row.store) for row in parsed.rows if row.central] == [(None, IIS, None)] * sum(
            block in "cd" for block in blocks
        )
        assert all(row.certhash == HASH for row in parsed.rows if not row.central)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_row_of_the_central_store_is_read_however_its_lines_are_broken(width: int) -> None:
    for length in range(width - 6, width + 6):
        text = ORDINARY + _central(10443, label="L" * length, store="WebHosting") + NAMED
        broken = "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))
        parsed = netsh_text.parse_sslcert(broken)
        assert [(row.endpoint, row.store) for row in parsed.rows] == [
            ("0.0.0.0:10101", "MY"), ("CCS:10443", "WebHosting"), ("shop.example:443", None),
        ]  # fmt: skip
        assert parsed.certain


def test_values_on_the_line_below_their_label_are_read() -> None:
    text = (ORDINARY + _central()).replace(" : ", " :\n        ")
    parsed = netsh_text.parse_sslcert(text)
    assert [(row.endpoint, row.certhash) for row in parsed.rows] == [("0.0.0.0:10101", HASH), ("CCS:443", None)]
    assert parsed.certain


@pytest.mark.parametrize("torn", [HASH[2:], "g" + HASH[1:], "[redacted hash 5]", HASH + "00", "12"])
def test_a_row_of_the_central_store_with_something_for_a_hash_is_not_certain(torn: str) -> None:
    parsed = netsh_text.parse_sslcert(ORDINARY + _central(none=torn))
    assert [(row.endpoint, row.certhash, row.appid) for row in parsed.rows][1:] == [("CCS:443", None, IIS)]
    assert not parsed.certain


@pytest.mark.parametrize("port", ["0", "65536", "123456", "", "abc", "\u0664\u0664\u0663", "-1", "4 43"])
def test_a_row_whose_place_cannot_be_read_is_not_passed_over(port: str) -> None:
    for text in (ORDINARY + _central(port, none=""), NAMED.replace("shop.example:443", port)):
        parsed = netsh_text.parse_sslcert(text + ORDINARY)
        assert not parsed.certain
        assert [row.endpoint for row in parsed.rows] == ["0.0.0.0:10101"] * text.count("10101") + ["0.0.0.0:10101"]


def test_an_unreadable_hash_of_digits_is_no_port() -> None:
    parsed = netsh_text.parse_sslcert(ORDINARY.replace(HASH, "5252"))
    assert [(row.endpoint, row.certhash) for row in parsed.rows] == [("0.0.0.0:10101", None)]
    assert not parsed.certain


@pytest.mark.parametrize("endpoint", ["küche.example:443", "till_1:443", "*.venue.example:443"])
def test_names_of_any_letters_are_endpoints(endpoint: str) -> None:
    parsed = netsh_text.parse_sslcert(NAMED.replace("shop.example:443", endpoint))
    assert ([row.endpoint for row in parsed.rows], parsed.certain) == ([endpoint], True)
