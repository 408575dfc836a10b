"""Flaws of encoding that change no decision: terminals accept them, and a person should know."""

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding
from fleet.preflight.certificate.tolerant.tolerances import Tolerance


def check_flaws(cert: Cert) -> list[CertificateFinding]:
    """A warning for each flaw that had to be tolerated so that this certificate could be read at all."""
    return [flaw_of(cert, tolerance) for tolerance in cert.flaws]


def flaw_of(cert: Cert, tolerance: Tolerance) -> CertificateFinding:
    """The warning about one flaw."""
    return CertificateFinding(Code.PROFILE_GAP, f"it is read although {tolerance.value}", cert.label)
