"""The same certificate as each terminal sees it: with its own host string and its own roots."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.preflight.certificate.assemble import for_host
from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.check import Request, check
from fleet.preflight.certificate.findings import Verdict
from fleet.preflight.certificate.hosts import parse_host


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """One terminal."""

    terminal: str
    host: str  # exactly as typed there
    roots: tuple[Cert, ...]  # those that it really has


def check_viewpoints(request: Request, viewpoints: Sequence[Viewpoint]) -> dict[str, Verdict]:
    """A verdict for each terminal, by the terminal's name. Terminals with the same host and roots are checked once: a site
    of hundreds has a handful of both."""
    verdicts: dict[tuple[str, tuple[Cert, ...]], Verdict] = {}
    for one in viewpoints:
        place = (one.host, one.roots)
        if place not in verdicts:
            verdicts[place] = check(for_host(request, (parse_host(one.host),), one.roots))
    return {one.terminal: verdicts[(one.host, one.roots)] for one in viewpoints}
