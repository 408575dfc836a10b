"""Errors of a certificate itself, which hold for every terminal: a plan that uses such a certificate is refused. What
depends on one terminal's host or roots is shown by Readiness, for each terminal."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator

from fleet.device_facts.facts import StoredCertificate
from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.files.reading import read
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.strength import check_key, check_signature_hash
from fleet.preflight.certificate.usage import check_usage

Window = tuple[dt.datetime, dt.datetime]


def own_errors(row: StoredCertificate, window: Window, pems: Iterable[str] = ()) -> list[str]:
    """Sentences without a full stop, each with what to do; empty when the certificate has no error. window: UTC. pems:
    certificates that a rehearsal showed. If this one is among them, all of it is checked; otherwise only what the store
    tells about it."""
    found = [*_of_the_key(row), *_of_the_time(row, window)]
    cert = _same(row, pems)
    return found + ([_said(finding) for finding in _of_itself(cert) if finding.is_error] if cert else [])


def _of_the_key(row: StoredCertificate) -> Iterator[str]:
    if row.has_key is False:
        yield "has no private key on the server: import the PFX into Personal (computer)"
    elif row.machine_key is False:
        yield "has its private key in a user's profile: import the PFX again, into Personal of the computer account"
    elif row.readable is False:
        yield "has a private key that the agent cannot use: let SYSTEM read it, or import the PFX again"


def _of_the_time(row: StoredCertificate, window: Window) -> Iterator[str]:
    """By whole seconds, both ends included, as a TLS client counts."""
    start, end = (moment.replace(microsecond=0) for moment in window)
    if row.not_after is not None and row.not_after < start:
        yield f"ends on {row.not_after:%Y-%m-%d %H:%M} UTC, before the window opens: renew it"
    elif row.not_after is not None and row.not_after < end:
        yield f"ends on {row.not_after:%Y-%m-%d %H:%M} UTC, inside the window: renew it"
    if row.not_before is not None and row.not_before > start:
        yield f"is not valid before {row.not_before:%Y-%m-%d %H:%M} UTC, after the window opens: plan a later window"


def _same(row: StoredCertificate, pems: Iterable[str]) -> Cert | None:
    certs = (cert for pem in pems for cert in read(pem.encode("ascii", "replace"), "the server's certificate").certs)
    return next((cert for cert in certs if _thumbprint(cert) == row.thumbprint), None)


def _thumbprint(cert: Cert) -> str:
    return hashlib.sha1(cert.der, usedforsecurity=False).hexdigest().upper()  # the thumbprint that Windows shows


def _of_itself(cert: Cert) -> list[CertificateFinding]:
    # A self-signed certificate may be among the terminals' roots; Readiness knows, and judges that.
    signed = [] if cert.self_issued else check_signature_hash(cert)
    return [*check_usage(cert, cert.self_issued), *check_key(cert), *signed]


def _said(finding: CertificateFinding) -> str:
    return f"is not fit: {finding.message}. {finding.remedy}".rstrip(".")
