"""Ways up to a root: all kinds of detours are found, and hostile ones end."""

import time

from cryptography import x509

from fleet.preflight.certificate.certs import parse
from fleet.preflight.certificate.path.paths import MOST_SIGNATURES, End, Search
from tests.preflight.pki import NOTHING, NOW, YEAR, Issued, ca, codes, files, issuer_id, key, make, name, server, usage, verdict

ROOT = ca("Path Root")
BASIC = x509.BasicConstraints(True, None)


def _cross(subject: str, own: object, issuer: Issued) -> Issued:
    """A CA certificate for a key and name that another CA signed too."""
    known = x509.SubjectKeyIdentifier.from_public_key(own.public_key())  # type: ignore[attr-defined]
    parts = [(BASIC, True), (usage("key_cert_sign"), True), (known, False), (issuer_id(issuer), False)]
    return make(name(subject), issuer, own, parts)


def test_an_expired_cross_signature_beside_a_trusted_root_does_no_harm() -> None:
    other = ca("Other Root", own=key("p256", 200))
    expired = ca("Path Root", other, own=ROOT.key, end=NOW - YEAR / 2)
    assert verdict(files(server(ROOT), expired, roots=[ROOT, other]), "pos-srv").suitable


def test_cas_that_sign_each_other_in_a_circle_are_left_by_the_way_to_the_root() -> None:
    one, two = key("p256", 201), key("p256", 202)
    by_root = _cross("One", one, ROOT)
    two_by_one = _cross("Two", two, by_root)
    one_by_two = _cross("One", one, two_by_one)
    assert verdict(files(server(by_root), one_by_two, two_by_one, by_root, roots=[ROOT]), "pos-srv").suitable
    assert not verdict(files(server(by_root), one_by_two, two_by_one, roots=[ROOT]), "pos-srv").suitable


def test_a_change_of_a_cas_keys_is_counted_by_the_library_and_its_word_stands() -> None:
    """RFC 5280 6.1.4 does not count it. Ours would not; the library refuses, and a path is never argued with."""
    old, new = key("p256", 203), key("p256", 204)
    limited = ca("Rolling", ROOT, own=old, basic=x509.BasicConstraints(True, 0))
    rolled = _cross("Rolling", new, limited)
    assert codes(verdict(files(server(rolled), rolled, limited, roots=[ROOT]), "pos-srv")) == {"path_length"}


def test_two_roots_of_one_name_are_told_apart_by_their_signatures() -> None:
    namesake = ca("Path Root", own=key("p256", 205))
    assert verdict(files(server(ROOT), roots=[namesake, ROOT]), "pos-srv").suitable
    # The key's identifier says that nothing is damaged: the CA was renewed with another key.
    assert codes(verdict(files(server(ROOT), roots=[namesake]), "pos-srv")) == {"missing_intermediate", "untrusted_root"}


def test_a_chain_of_a_hundred_cas_ends_with_a_reason() -> None:
    line = [ROOT]
    for depth in range(100):
        line.append(ca(f"Depth {depth}", line[-1], own=key("p256", 206)))
    assert codes(verdict(files(server(line[-1]), *reversed(line[1:]), roots=[ROOT]), "pos-srv")) == {"path_length"}


def test_a_thousand_cas_of_one_name_are_given_up_in_time() -> None:
    own = key("p256", 207)
    fakes = [ca("Same", ROOT, own=key("p256", 208), key_id=x509.SubjectKeyIdentifier(b"x")) for _ in range(300)]
    leaf = server(ca("Same", ROOT, own=own))
    search = Search(parse(leaf.der), [parse(fake.der) for fake in fakes], [parse(ROOT.der)])
    begun = time.process_time()
    assert list(search.routes()) == []
    assert search.dead_ends[-1].why is End.GAVE_UP
    assert search.signatures == MOST_SIGNATURES + 1
    assert time.process_time() - begun < 1
    cut_off = verdict(files(leaf, *fakes, roots=[ROOT]), "pos-srv")
    assert codes(cut_off) == {"check_timeout"}
    assert "was stopped after" in cut_off.findings[0].message


def test_a_ca_that_was_renewed_with_another_key_is_missing_and_nothing_is_damaged() -> None:
    """RFC 5280 4.2.1.1. Without identifiers only a key of another kind tells; else the signature is all that there is."""
    for new in (key("p256", 211), key("rsa", 212)):
        renewed = ca("Path Root", own=new)
        assert codes(verdict(files(server(renewed), roots=[ROOT]), "pos-srv")) == {"missing_intermediate", "untrusted_root"}
    nameless = server(ca("Path Root", own=key("rsa", 212)), issuer_id=NOTHING)
    assert codes(verdict(files(nameless, roots=[ROOT]), "pos-srv")) == {"missing_intermediate", "untrusted_root", "profile_gap"}
    unknown = server(ca("Path Root", own=key("p256", 211)), issuer_id=NOTHING)
    assert codes(verdict(files(unknown, roots=[ROOT]), "pos-srv")) == {"bad_signature", "profile_gap"}


def test_a_ca_among_the_roots_is_no_root_of_its_own_where_its_root_is_there_too() -> None:
    middle = ca("Trusted Middle", ROOT, own=key("p256", 213))
    lower = ca("Trusted Lower", middle, own=key("p256", 214))
    assert codes(verdict(files(server(middle), middle, roots=[ROOT, middle]), "pos-srv")) == set()
    assert codes(verdict(files(server(lower), middle, roots=[lower, ROOT]), "pos-srv")) == set()
    # The way up to it is cut off, over, or goes past a CA that is none: the warning is true.
    gone = ca("Path Root", own=ROOT.key, end=NOW - YEAR / 2)
    barred = ca("Path Root", own=ROOT.key, basic=x509.BasicConstraints(False, None))
    for roots in ([lower], [lower, ca("Other Root")], [lower, gone], [lower, barred]):
        assert codes(verdict(files(server(lower), middle, roots=roots), "pos-srv")) == {"anchor_not_self_signed"}


def test_the_reason_is_that_of_the_way_that_went_furthest() -> None:
    middle = ca("Middle", ca("Unknown Root", own=key("p256", 209)), own=key("p256", 210))
    result = verdict(files(server(middle), middle, roots=[ROOT]), "pos-srv")
    assert codes(result) == {"missing_intermediate", "untrusted_root"}
    assert "Unknown Root" in result.findings[0].message
