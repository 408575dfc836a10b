"""The library keeps the last word on a path, and our search never goes a way that it would not."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from fleet.preflight.certificate.certs import parse
from fleet.preflight.certificate.hosts import parse_host
from fleet.preflight.certificate.path.library import last_word
from fleet.preflight.certificate.path.paths import Route
from tests.preflight.pki import NOW, Issued, ca, codes, files, key, server, verdict

ROOT = ca("Library Root")


def _word(*certs: Issued, host: str = "pos-srv", moment: dt.datetime = NOW) -> set[str]:
    route = Route(tuple(parse(cert.der) for cert in certs))
    return {finding.code.value for finding in last_word(route, parse_host(host), moment, 8)}


def test_a_good_route_has_nothing_against_it() -> None:
    assert _word(server(ROOT), ROOT) == set()


def test_each_refusal_has_a_code_also_where_our_own_check_had_not_spoken() -> None:
    assert _word(server(ROOT), ROOT, host="other") == {"name_mismatch"}
    assert _word(server(ROOT), ROOT, moment=NOW.replace(year=2060)) == {"expired"}
    assert _word(server(ROOT, signer=key("p256", 500)), ROOT) == {"bad_signature"}
    weak = ca("Weak", ROOT, own=key("rsa1024"))
    assert _word(server(weak), weak, ROOT) == {"weak_key"}
    assert _word(server(d := ca("DSA", ROOT, own=key("k256"))), d, ROOT) == {"key_type"}
    strange = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b""), True)
    assert _word(server(ROOT, extra=[strange]), ROOT) == {"unknown_critical_extension"}
    limited = ca("Limited", ROOT, limits=x509.NameConstraints([x509.DNSName("lan")], None))
    assert _word(server(limited), limited, ROOT) == {"name_constraints"}


def test_what_only_the_library_refuses_is_an_error_and_not_passed_over() -> None:
    """SHA-224: no check of ours looks for it."""
    assert codes(verdict(files(server(ROOT, digest=hashes.SHA224()), roots=[ROOT]), "pos-srv")) == {"weak_signature"}


def test_without_a_host_it_is_asked_for_one_of_the_certificates_own_names() -> None:
    for held in ("*.club.lan", "10.0.0.5", "pos-srv"):
        assert verdict(files(server(ROOT, held), roots=[ROOT])).suitable
    assert codes(verdict(files(server(ROOT, "pos_srv"), roots=[ROOT]))) == {"host_not_checkable"}


def test_a_pinned_certificate_needs_no_path() -> None:
    pinned = server(None)
    assert _word(pinned) == set()
    assert codes(verdict(files(pinned, roots=[pinned]), "pos-srv")) == {"self_signed_pinned"}
