"""The order of the certificates: the server's own first, then each issuer. RFC 5246 7.4.2."""

from collections.abc import Sequence

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import CertificateFinding


def check_order(given: Sequence[Cert], way: Sequence[Cert]) -> list[CertificateFinding]:
    """Findings about the order. given: as the files held them; way: the path, from the server's own up."""
    places = [given.index(cert) for cert in way if cert in given]
    if places == sorted(places):
        return []
    shown = ", ".join(str(place + 1) for place in places)
    return [
        CertificateFinding(Code.WRONG_CHAIN_ORDER, f"from the server's certificate up, the certificates are at places {shown}")
    ]
