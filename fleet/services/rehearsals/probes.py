"""The probes of a rehearsal: what each agent is asked to do. A worker writes and signs them before they are sent."""

import base64
import datetime as dt
from dataclasses import replace
from typing import Any

from cryptography import x509
from django.db import transaction

from agents import protocol
from agents.protocol import LOOKUP_KINDS
from fleet.models import DEFAULT_PORT, Device, Rehearsal, TerminalCheck
from fleet.services import keys
from fleet.services.after_commit import AfterCommit
from fleet.services.clock import to_ms
from fleet.services.probes import versions

LIFE = dt.timedelta(seconds=180)  # after this time the listener closes by itself, even if the dashboard is gone
ANSWER_S = 30.0  # for one terminal, from the moment when it begins; a till waits 6 s for one answer
MOST_SAMPLES, FEWEST_SAMPLES = 8, 1  # rounds of one terminal
ROUNDS_IN_ALL = 200  # of the whole site: enough for a p95, and too few to slow the live lookups down
SPREAD_MS_EACH = 5  # the terminals begin so far apart
# Of the whole site, where there is time for it. With more, the server would be busy and answer later than in real life.
LOOKUPS_A_SECOND = 40
# How long one terminal measures at most. At a site with more than LARGE terminals, each needs to measure less.
LARGE, MEASURING_MS, LARGE_MEASURING_MS = 50, 12_000, 4_000


def write(rehearsal_id: int, now: dt.datetime) -> AfterCommit:
    """Write the probes that are wanted and not written yet. A second call finds nothing to do."""
    with transaction.atomic():
        rehearsal = Rehearsal.objects.select_for_update(of=("self",)).select_related("site", "probe").get(pk=rehearsal_id)
        checks = list(_unwritten().filter(rehearsal=rehearsal).select_related("device"))
        server = rehearsal.site.server
        port = (server.port if server else None) or DEFAULT_PORT
        listener = rehearsal.listener_facts
        issuers = _issuers(listener.chain)
        terminals = _terminals(rehearsal)
        profile, path = versions.for_agents(versions.text_of(rehearsal.probe)), versions.transport_path(server)
        for check in checks:
            probe = _probe(rehearsal, check, port, listener.ports or (0, 0), terminals, issuers, now)
            check.body = protocol.dump_signed(replace(probe, probe=profile, transport_path=path))
            check.signature = keys.sign(check.body)
        TerminalCheck.objects.bulk_update(checks, ["body", "signature"], batch_size=200)
    return AfterCommit(notify={check.agent_id for check in checks if check.agent_id})


def lost() -> set[int]:
    """The ids of rehearsals with a probe that is wanted and not written, because the broker lost the task or a worker died."""
    return set(_unwritten().values_list("rehearsal_id", flat=True))


def ask_limit(rehearsal: Rehearsal) -> dt.timedelta:
    """How long the rehearsal waits for the terminals' answers."""
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
    """How long one round, with one lookup of each kind, should take. It is the same before and after a cutover, although
    there are fewer kinds afterwards: for a fair comparison the server must be equally busy."""
    longest_ms = LARGE_MEASURING_MS if terminals > LARGE else MEASURING_MS
    return min(terminals * len(LOOKUP_KINDS) * 1000 // LOOKUPS_A_SECOND, longest_ms // _samples(terminals))


def _spread_ms(terminals: int) -> int:
    return terminals * SPREAD_MS_EACH


def _issuers(chain: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the issuers in the chain that the server will send, as base64 of their DER. Terminals say whether their
    root store has them. The agent chose these texts, so what is not a certificate is skipped."""
    names: dict[str, None] = {}
    for pem in chain:
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            names[base64.b64encode(certificate.issuer.public_bytes()).decode()] = None
        except ValueError:
            continue
    return tuple(names)
