"""Which names a certificate covers: RFC 9525 section 6."""

import pytest

from fleet.preflight.certificate.names import matches
from tests.preflight.pki import ca, codes, files, name, san, server, verdict

ROOT = ca("Names Root")


@pytest.mark.parametrize(
    ("pattern", "host", "covers"),
    [
        ("pos.lan", "pos.lan", True),
        ("POS.lan.", "pos.lan", True),
        ("*.lan", "pos.lan", True),
        ("*.lan", "a.pos.lan", False),
        ("*.lan", "lan", False),
        ("*", "pos", False),
        ("p*.lan", "pos.lan", False),
        ("pos.*.lan", "pos.club.lan", False),
        ("*.*.lan", "pos.club.lan", False),
        ("xn--*-abc.lan", "xn--x-abc.lan", False),
        ("pos.lan", "xpos.lan", False),
    ],
)
def test_a_star_is_one_whole_label_the_first(pattern: str, host: str, covers: bool) -> None:
    assert matches(pattern, host) is covers


def test_every_terminals_host_has_to_be_in_it() -> None:
    given = files(server(ROOT, "pos-srv", "10.0.0.5"), roots=[ROOT])
    assert verdict(given, "pos-srv", "10.0.0.5", "POS-SRV").suitable
    result = verdict(given, "pos-srv", "pos2", "10.0.0.6")
    assert codes(result) == {"name_mismatch", "ip_not_in_san"}


def test_without_a_host_the_path_is_checked_and_names_only_for_being_there() -> None:
    assert verdict(files(server(ROOT), roots=[ROOT])).suitable


def test_names_have_to_be_critical_without_a_subject_and_may_be_beside_one() -> None:
    nameless = server(ROOT, subject=name(""), names=san("pos-srv"), names_critical=True)
    assert codes(verdict(files(nameless, roots=[ROOT]), "pos-srv")) == set()
    loose = server(ROOT, subject=name(""), names=san("pos-srv"))
    assert codes(verdict(files(loose, roots=[ROOT]), "pos-srv")) == {"malformed_input"}
    strict = server(ROOT, names_critical=True)
    assert codes(verdict(files(strict, roots=[ROOT]), "pos-srv")) == {"profile_gap"}
    assert not verdict(files(strict, roots=[ROOT]), "pos-srv", profile="strict").suitable
