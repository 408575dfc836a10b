"""When is the certificate valid? Checked at each moment asked for: the window's start, its end and 30 days after."""

import datetime as dt
from collections.abc import Sequence

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding

AFTER_WINDOW = dt.timedelta(days=30)


def window_times(starts_at: dt.datetime, ends_at: dt.datetime) -> tuple[dt.datetime, ...]:
    """The moments at which a certificate must be valid for a cutover: start, end, 30 days after the end; UTC."""
    start, end = starts_at.astimezone(dt.UTC), ends_at.astimezone(dt.UTC)
    return (start, end, end + AFTER_WINDOW)


def is_valid(cert: Cert, moment: dt.datetime) -> bool:
    """Whether the certificate is valid at this moment. RFC 5280 4.1.2.5: both ends belong to it, whole seconds."""
    return cert.not_before <= moment.replace(microsecond=0) <= cert.not_after


def check_validity(cert: Cert, times: Sequence[dt.datetime], is_leaf: bool) -> list[CertificateFinding]:
    """Findings about one certificate of the path. times: the moments, UTC, earliest first."""
    moments = [moment.replace(microsecond=0) for moment in times]
    found = []
    if any(moment > cert.not_after for moment in moments):
        found += _ended(cert, moments, is_leaf)
    if any(moment < cert.not_before for moment in moments):
        code = Code.NOT_YET_VALID if moments[-1] < cert.not_before else Code.NOT_YET_VALID_IN_WINDOW
        found.append(CertificateFinding(code, f"it begins on {cert.not_before:%Y-%m-%d %H:%M} UTC", cert.label))
    return found


def _ended(cert: Cert, moments: list[dt.datetime], is_leaf: bool) -> list[CertificateFinding]:
    ended = f"{cert.not_after:%Y-%m-%d %H:%M} UTC"
    over = moments[0] > cert.not_after
    if is_leaf:
        code = Code.EXPIRED if over else Code.EXPIRED_IN_WINDOW
        return [CertificateFinding(code, f"it ends on {ended}", cert.label)]
    chain = CertificateFinding(
        Code.CHAIN_EXPIRES_IN_WINDOW,
        f"this CA certificate, on which the server's certificate depends, ends on {ended}",
        cert.label,
    )
    return [CertificateFinding(Code.EXPIRED, f"this CA certificate ended on {ended}", cert.label), chain] if over else [chain]
