"""What each agent is told in a rehearsal: written and signed by a worker, before anything is sent."""

import base64
import datetime as dt
from typing import Any

from cryptography import x509
from django.db import transaction

from agents import protocol
from agents.protocol import LOOKUP_KINDS
from fleet.models import DEFAULT_PORT, Device, Rehearsal, TerminalCheck
from fleet.services import keys
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms

LIFE = dt.timedelta(seconds=180)  # the listener ends by itself, whatever becomes of us
ANSWER_S = 30.0  # for one terminal, from the moment it begins; a till waits 6 s for one answer
MOST_SAMPLES, FEWEST_SAMPLES = 8, 1
ROUNDS_IN_ALL = 200  # of the whole site: enough for a p95, and the live lookups must not notice
SPREAD_MS_EACH = 5
# Of the whole site, where there is time for that: a server that is kept busy by the measuring answers later than it will.
LOOKUPS_A_SECOND = 40
# How long one terminal measures at most: on a large site many of them measure, and each needs to do less.
LARGE, MEASURING_MS, LARGE_MEASURING_MS = 50, 12_000, 4_000


def write(rehearsal_id: int, now: dt.datetime) -> AfterCommit:
    """Write what is wanted and not written yet. Called twice, the second call finds nothing to do."""
    with transaction.atomic():
        rehearsal = Rehearsal.objects.select_for_update().select_related("site").get(pk=rehearsal_id)
        checks = list(_unwritten().filter(rehearsal=rehearsal).select_related("device"))
        server = rehearsal.site.server
        port = (server.port if server else None) or DEFAULT_PORT
        listener = rehearsal.listener_facts
        issuers = _issuers(listener.chain)
        terminals = _terminals(rehearsal)
        for check in checks:
            check.body = protocol.dump_signed(_probe(rehearsal, check, port, listener.ports or (0, 0), terminals, issuers, now))
            check.signature = keys.sign(check.body)
        TerminalCheck.objects.bulk_update(checks, ["body", "signature"], batch_size=200)
    return AfterCommit(notify={check.agent_id for check in checks if check.agent_id})


def lost() -> set[int]:
    """Rehearsals of which something is wanted and not written: the broker forgot it, or a worker died."""
    return set(_unwritten().values_list("rehearsal_id", flat=True))


def ask_limit(rehearsal: Rehearsal) -> dt.timedelta:
    """How long answers of the terminals are awaited."""
    return dt.timedelta(seconds=ANSWER_S + _spread_ms(_terminals(rehearsal)) / 1000)


def _terminals(rehearsal: Rehearsal) -> int:
    return rehearsal.checks.exclude(device__kind=Device.Kind.SERVER).count()


def _unwritten() -> Any:
    return TerminalCheck.objects.filter(body="", agent__isnull=False).exclude(action="")


def _probe(
    rehearsal: Rehearsal,
    check: TerminalCheck,
    port: int,
    listener: tuple[int, int],
    terminals: int,
    issuers: tuple[str, ...],
    now: dt.datetime,
) -> protocol.Rehearsal:
    action: protocol.ProbeAction = check.action  # type: ignore[assignment]
    asks = action == "ask"
    return protocol.Rehearsal(
        agent=check.agent_id or "",
        rehearsal=rehearsal.pk,
        action=action,
        port=port,
        member=rehearsal.site.member,
        expires_ms=to_ms(rehearsal.deadline_at if asks else max(now, rehearsal.created_at) + LIFE),
        thumbprint=rehearsal.thumbprint,
        shadow_port=listener[0] if asks else 0,
        plain_port=listener[1] if asks else 0,
        samples=_samples(terminals) if asks else 0,
        spread_ms=_spread_ms(terminals) if asks else 0,
        pace_ms=_pace_ms(terminals) if asks else 0,
        issuers=issuers if asks else (),
    )


def _samples(terminals: int) -> int:
    return min(max(ROUNDS_IN_ALL // max(terminals, 1), FEWEST_SAMPLES), MOST_SAMPLES)


def _pace_ms(terminals: int) -> int:
    """How long a round of one lookup of each kind shall take. The same before a cutover and after it, though there are
    fewer kinds then: what is compared must have kept the server equally busy."""
    longest_ms = LARGE_MEASURING_MS if terminals > LARGE else MEASURING_MS
    return min(terminals * len(LOOKUP_KINDS) * 1000 // LOOKUPS_A_SECOND, longest_ms // _samples(terminals))


def _spread_ms(terminals: int) -> int:
    return terminals * SPREAD_MS_EACH


def _issuers(chain: tuple[str, ...]) -> tuple[str, ...]:
    """The issuers' names in the chain that the server will send, base64 of their DER: terminals say whether their
    root store has them. The chain is the agent's text: what is not a certificate is passed over."""
    names: dict[str, None] = {}
    for pem in chain:
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            names[base64.b64encode(certificate.issuer.public_bytes()).decode()] = None
        except ValueError:
            continue
    return tuple(names)
