"""The same certificate from every terminal's seat: its own literal host string, its own roots."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.preflight.certificate.assemble import for_host
from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.check import Request, check
from fleet.preflight.certificate.findings import Verdict
from fleet.preflight.certificate.hosts import parse_host


@dataclass(frozen=True, slots=True)
class Seat:
    """A terminal as the certificate meets it. host: exactly as typed there; roots: those it really has."""

    terminal: str
    host: str
    roots: tuple[Cert, ...]


def check_seats(request: Request, seats: Sequence[Seat]) -> dict[str, Verdict]:
    """A verdict for each terminal by its name. Terminals with the same host and roots are checked once: a site of
    hundreds has a handful of both."""
    verdicts: dict[tuple[str, tuple[Cert, ...]], Verdict] = {}
    for seat in seats:
        place = (seat.host, seat.roots)
        if place not in verdicts:
            verdicts[place] = check(for_host(request, (parse_host(seat.host),), seat.roots))
    return {seat.terminal: verdicts[(seat.host, seat.roots)] for seat in seats}
