"""The ordinary private PKI of docs/preflight.md, row by row: what terminals accept is accepted, what they refuse
is refused for the reason that an admin can act on."""

import pytest
from cryptography import x509

from tests.preflight.pki import NOTHING, NOW, YEAR, ca, codes, files, key, san, server, usage, verdict

ROOT = ca("Till Root")
MIDDLE = ca("Till Issuing", ROOT)
BARE_ROOT = ca("Bare Root", key_id=NOTHING, usage=NOTHING, basic_critical=False)
PINNED = server(None, "pos-srv", basic=NOTHING)

# what it is: (the files, the host, suitable, the codes there have to be)
TABLE = {
    "normal private CA": (files(server(ROOT), roots=[ROOT]), "pos-srv", True, set()),
    "IP address entry": (files(server(ROOT, "10.0.0.5"), roots=[ROOT]), "10.0.0.5", True, set()),
    "IPv6 address entry": (files(server(ROOT, "fd00::5"), roots=[ROOT]), "fd00:0::5", True, set()),
    "wildcard one level": (files(server(ROOT, "*.club.lan"), roots=[ROOT]), "pos.club.lan", True, set()),
    "names in upper case": (files(server(ROOT, "POS-SRV"), roots=[ROOT]), "pos-srv", True, set()),
    "pinned self-signed": (files(PINNED, roots=[PINNED]), "pos-srv", True, {"self_signed_pinned"}),
    "leaf without AKI": (files(server(ROOT, issuer_id=NOTHING), roots=[ROOT]), "pos-srv", True, {"profile_gap"}),
    "root without SKI": (files(server(r := ca("A", key_id=NOTHING)), roots=[r]), "pos-srv", True, {"profile_gap"}),
    "root without KeyUsage": (files(server(r := ca("B", usage=NOTHING)), roots=[r]), "pos-srv", True, {"profile_gap"}),
    "root BC not critical": (files(server(r := ca("C", basic_critical=False)), roots=[r]), "pos-srv", True, {"profile_gap"}),
    "all four gaps": (files(server(BARE_ROOT, issuer_id=NOTHING), roots=[BARE_ROOT]), "pos-srv", True, {"profile_gap"}),
    "intermediate as the only anchor": (files(server(MIDDLE), roots=[MIDDLE]), "pos-srv", True, {"anchor_not_self_signed"}),
    "leaf without EKU": (files(server(ROOT, eku=NOTHING), roots=[ROOT]), "pos-srv", True, {"eku_absent"}),
    "EKU clientAuth only": (
        files(server(ROOT, eku=x509.ExtendedKeyUsage([x509.OID_CLIENT_AUTH])), roots=[ROOT]),
        "pos-srv",
        False,
        {"eku_no_server_auth"},
    ),
    "RSA-1024 leaf": (files(server(ROOT, own=key("rsa1024")), roots=[ROOT]), "pos-srv", False, {"weak_key"}),
    "CN only, no SAN": (files(server(ROOT, names=NOTHING), roots=[ROOT]), "pos-srv", False, {"no_san"}),
    "host with an underscore": (files(server(ROOT, "pos_srv"), roots=[ROOT]), "pos_srv", False, {"host_not_checkable"}),
    "host with a trailing dot": (files(server(ROOT, "pos.club.lan"), roots=[ROOT]), "pos.club.lan.", True, set()),
    "IP host, name only in DNS SAN": (
        files(server(ROOT, "dns:10.0.0.5"), roots=[ROOT]),
        "10.0.0.5",
        False,
        {"ip_in_dns_san"},
    ),
    "IP host, other names": (files(server(ROOT, "pos-srv"), roots=[ROOT]), "10.0.0.5", False, {"ip_not_in_san"}),
    "wildcard two deep": (files(server(ROOT, "*.club.lan"), roots=[ROOT]), "a.pos.club.lan", False, {"wildcard_scope"}),
    "intermediate missing": (files(server(MIDDLE), roots=[ROOT]), "pos-srv", False, {"missing_intermediate"}),
    "with its intermediate": (files(server(MIDDLE), MIDDLE, roots=[ROOT]), "pos-srv", True, set()),
    "self-signed, not installed": (files(PINNED, roots=[ROOT]), "pos-srv", False, {"self_signed_untrusted"}),
}


@pytest.mark.parametrize("what", TABLE)
def test_the_table_of_private_pki_cases(what: str) -> None:
    given, host, suitable, expected = TABLE[what]
    result = verdict(given, host)
    assert result.suitable is suitable
    assert codes(result) >= expected
    if not expected:
        assert codes(result) == set()


def test_a_pinned_certificate_may_be_marked_as_a_ca_as_openssl_marks_it() -> None:
    pinned = server(None, basic=x509.BasicConstraints(True, None), usage=NOTHING, eku=NOTHING)
    result = verdict(files(pinned, roots=[pinned]), "pos-srv")
    assert result.suitable
    assert codes(result) == {"self_signed_pinned", "profile_gap", "eku_absent"}


def test_a_pinned_certificate_is_still_checked_for_its_names_its_days_and_its_key() -> None:
    pinned = server(None, "other", own=key("rsa1024"), start=NOW + YEAR, end=NOW + 2 * YEAR)
    assert codes(verdict(files(pinned, roots=[pinned]), "pos-srv")) >= {"name_mismatch", "not_yet_valid", "weak_key"}


def test_the_strict_profile_refuses_what_public_cas_may_not_do_and_keeps_the_rest_a_warning() -> None:
    assert not verdict(files(server(ROOT, issuer_id=NOTHING), roots=[ROOT]), "pos-srv", profile="strict").suitable
    assert not verdict(files(PINNED, roots=[PINNED]), "pos-srv", profile="strict").suitable
    assert verdict(files(server(MIDDLE), roots=[MIDDLE]), "pos-srv", profile="strict").suitable


def test_a_dated_root_of_rsa_1024_is_taken_as_terminals_take_it() -> None:
    old = ca("Old Root", own=key("rsa1024"))
    result = verdict(files(server(old), roots=[old]), "pos-srv")
    assert result.suitable
    assert codes(result) == {"profile_gap"}


def test_directory_names_in_constraints_are_compared_here_because_the_library_does_not() -> None:
    own = x509.DirectoryName(x509.Name.from_rfc4514_string("O=Club"))
    limited = ca("Limited", limits=x509.NameConstraints([own], None))
    inside = x509.Name.from_rfc4514_string("CN=pos-srv,O=club")
    held = x509.SubjectAlternativeName([x509.DNSName("pos-srv"), x509.DirectoryName(inside)])
    assert verdict(files(server(limited, subject=inside, names=held), roots=[limited]), "pos-srv").suitable
    outside = verdict(files(server(limited, names=san("pos-srv")), roots=[limited]), "pos-srv")
    assert codes(outside) == {"name_constraints"}


def test_any_extended_key_usage_alone_is_not_enough_for_a_server() -> None:
    anything = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    assert codes(verdict(files(server(ROOT, eku=anything), roots=[ROOT]), "pos-srv")) == {"eku_no_server_auth"}


def test_key_encipherment_alone_serves_rsa_and_not_ecdsa() -> None:
    only = usage("key_encipherment")
    assert verdict(files(server(ROOT, own=key("rsa"), usage=only), roots=[ROOT]), "pos-srv").suitable
    assert codes(verdict(files(server(ROOT, usage=only), roots=[ROOT]), "pos-srv")) == {"key_usage"}
