"""What is wrong with a certificate itself, whichever terminal looks at it."""

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.device_facts.facts import StoredCertificate
from fleet.preflight.certificate.own_errors import own_errors

NOW = dt.datetime(2026, 3, 14, 16, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WINDOW = (NOW, NOW + HOUR)


def stored(**changes):
    values = {"thumbprint": "AB" * 20, "not_before": NOW - HOUR, "not_after": NOW + HOUR, "has_key": True}
    return StoredCertificate(**values | changes)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def made(key=None, *, issuer="Club CA", digest=None, usage=ExtendedKeyUsageOID.SERVER_AUTH):
    """(row, PEM) of a certificate."""
    key, signer = key or ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(name("netpos")).issuer_name(name(issuer)).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW - HOUR).not_valid_after(NOW + 2 * HOUR)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("netpos.club.example")]), critical=False)
    cert = builder.sign(signer, digest or hashes.SHA256())
    thumbprint = hashlib.sha1(cert.public_bytes(Encoding.DER)).hexdigest().upper()
    return stored(thumbprint=thumbprint, not_after=NOW + 2 * HOUR), cert.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"not_before": None, "not_after": None, "has_key": None}, ""),
        ({"not_after": NOW - dt.timedelta(seconds=1)}, "before the window opens"),
        ({"not_after": NOW}, "inside the window"),
        ({"not_after": NOW + HOUR - dt.timedelta(seconds=1)}, "inside the window"),
        ({"not_before": NOW}, ""),
        ({"not_before": NOW + dt.timedelta(seconds=1)}, "is not valid before"),
        ({"has_key": False}, "no private key"),
        ({"machine_key": False}, "in a user's profile"),
        ({"readable": False}, "cannot use"),
    ],
)
def test_what_the_store_tells(changes, said):
    errors = own_errors(stored(**changes), WINDOW)
    assert len(errors) == bool(said)
    assert all(said in error for error in errors)


def test_a_good_one_has_none():
    row, pem = made()
    assert own_errors(row, WINDOW, [pem]) == []


def test_a_key_that_is_too_weak_is_the_certificates_own():
    row, pem = made(rsa.generate_private_key(65537, 1024))
    assert ["1024 bits" in error for error in own_errors(row, WINDOW, [pem])] == [True]


def test_one_that_may_not_serve_is_refused_everywhere():
    row, pem = made(usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert len(own_errors(row, WINDOW, [pem])) == 1


def test_what_roots_may_excuse_is_not_said_here():
    row, pem = made(issuer="netpos")
    assert own_errors(row, WINDOW, [pem]) == []


def test_another_certificate_of_the_chain_and_nonsense_say_nothing_about_this_one():
    row, _ = made()
    _, weak = made(rsa.generate_private_key(65537, 1024))
    assert own_errors(row, WINDOW, [weak, "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----", "€"]) == []
