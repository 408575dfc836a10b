"""A site whose terminals have tried the certificate of tests.preflight.site, with measurements."""

import datetime as dt
import random
from typing import Any

from agents.protocol import LOOKUP_KINDS
from fleet.models import Rehearsal, Site, TerminalCheck
from tests.factories import NOW, make_device, make_site
from tests.preflight.site import healthy

HOUR = dt.timedelta(hours=1)
_BYTES = {"http_new": 640, "http_kept": 520, "https_new": 4830, "https_kept": 610, "https_resumed": 1420}
_TLS_MS = {"https_new": 6.0, "https_resumed": 1.5, "https_kept": 0.2}
MOST_SAMPLES, FEWEST_SAMPLES, IN_ALL = 8, 2, 400  # as services.rehearsals.probes asks for


def make_rehearsed(terminals: int = 3, **site: Any) -> tuple[Site, Rehearsal]:
    """A site in order whose terminals were all ready an hour ago, by the PKI of the tests."""
    sketch = healthy(terminals)
    club = make_site(**site)
    make_device(club, "server", name="netpos", facts=sketch.server, port=10101)
    rehearsal = Rehearsal.objects.create(
        site=club, thumbprint=sketch.thumbprint, state="done", facts=sketch.rehearsal,
        created_at=NOW - HOUR, deadline_at=NOW - HOUR, finished_at=NOW - HOUR,
    )  # fmt: skip
    rounds = min(max(IN_ALL // terminals, FEWEST_SAMPLES), MOST_SAMPLES)
    for name, facts in sketch.terminals.items():
        device = make_device(club, name=name, facts=facts)
        TerminalCheck.objects.create(
            rehearsal=rehearsal,
            device=device,
            agent=device.agent,
            answered_at=NOW - HOUR,
            facts=_measured(sketch.checks[name], rounds),
        )
    return club, rehearsal


def _measured(facts: dict[str, Any], rounds: int) -> dict[str, Any]:
    rng = random.Random(facts["own_address"])
    samples = {kind: [_once(rng) + _TLS_MS.get(kind, 0.0) for _ in range(rounds)] for kind in LOOKUP_KINDS}
    return facts | {"samples": samples, "bytes": _BYTES}


def _once(rng: random.Random) -> float:
    return 8.0 * rng.lognormvariate(0, 0.3)
