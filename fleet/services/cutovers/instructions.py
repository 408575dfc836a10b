"""Writes and signs instructions, and finds those that wait for delivery. Each is stored before it is sent."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from agents import failpoints, protocol
from fleet.models import DEFAULT_PORT, Agent, Cutover, DeviceRun, Instruction
from fleet.services import keys
from fleet.services.after_commit import AfterCommit, Dispatch
from fleet.services.clock import to_ms
from fleet.services.cutovers import run_steps
from fleet.services.probes import versions
from fleet.services.sanitize import LARGEST_NUMBER

# How long an agent goes on without hearing from the dashboard. The server's is shorter: it decides first, and its
# terminals then follow it, instead of switching twice.
LEASE_MS = {"server": 20_000, "terminal": 28_000}
LONG = dt.timedelta(days=30)  # how long a late terminal's instruction waits for it


def write(dispatch: Dispatch, now: dt.datetime) -> AfterCommit:
    """Write the instructions that these device runs need and do not have yet. A second call finds nothing to do."""
    with transaction.atomic():
        cutover = Cutover.objects.select_for_update(of=("self",)).select_related("site", "probe").get(pk=dispatch.cutover)
        runs = list(missing(cutover).filter(pk__in=dispatch.runs).select_related("device__agent"))
        server = cutover.site.server
        probe = versions.for_agents(versions.text_of(cutover.probe))
        asks = _Asks(probe, versions.transport_path(server), server.port if server else None)
        rows = [_instruction(cutover, run, asks, now) for run in runs]
        Agent.objects.filter(pk__in=[row.agent_id for row in rows]).update(seq=F("seq") + 1)
        Instruction.objects.bulk_create(rows)
        failpoints.reached("worker.write_uncommitted")
    failpoints.reached("worker.write_committed")
    return AfterCommit(notify={row.agent_id for row in rows})


def missing(cutover: Cutover) -> QuerySet[DeviceRun]:
    """Device runs that were asked for something in the present epoch, and have an agent, but no instruction. Not those of
    terminals by hand, whose agent is asked nothing if there is one, and not those of an agent whose numbers are used up (see
    healing.py), which must not stop the others of its chunk."""
    written = Instruction.objects.filter(run=OuterRef("pk"), epoch=OuterRef("asked_epoch"), attempt=OuterRef("asks"))
    return (
        DeviceRun.objects.filter(
            cutover=cutover,
            asked_epoch=cutover.epoch,
            by_hand=False,
            device__agent__in=Agent.objects.admitted().filter(seq__lt=LARGEST_NUMBER),
        )
        .exclude(asked_action="")
        .exclude(device__agent__isnull=True)
        .exclude(Exists(written))
    )


def waiting(agent_ids: Collection[str], *, unsent_only: bool = False) -> list[Instruction]:
    """The instructions that these agents have to get: not finished, of their cutover's epoch, the newest of each run.
    unsent_only: without those that were sent before."""
    newer = Instruction.objects.filter(run=OuterRef("run"), pk__gt=OuterRef("pk"))
    found = Instruction.objects.filter(agent__in=agent_ids, finished_at__isnull=True, epoch=F("cutover__epoch"))
    found = found.exclude(Exists(newer))
    if unsent_only:
        found = found.filter(sent_at__isnull=True)
    return list(found.order_by("pk"))


def mark_sent(ids: Collection[int], now: dt.datetime) -> None:
    """Write down that these instructions were sent."""
    with transaction.atomic():
        Instruction.objects.filter(pk__in=ids, sent_at__isnull=True).update(sent_at=now)


@dataclass(frozen=True, slots=True)
class _Asks:
    """How the devices of a cutover ask its server."""

    probe: str  # the probe profile, "" for a transport proof
    path: str  # of a transport proof
    port: int | None  # the server's, None where its agent has not told it


def _instruction(cutover: Cutover, run: DeviceRun, asks: _Asks, now: dt.datetime) -> Instruction:
    agent = run.device.agent
    row = Instruction(
        agent=agent,
        cutover=cutover,
        run=run,
        seq=agent.seq + 1,
        epoch=cutover.epoch,
        action=run.asked_action,
        attempt=run.asks,
        created_at=now,
    )
    row.body = protocol.dump_signed(_message(cutover, row, asks, now))
    row.signature = keys.sign(row.body)
    return row


def _message(cutover: Cutover, row: Instruction, asks: _Asks, now: dt.datetime) -> protocol.Instruction:
    run = row.run
    going_back = row.action == "undo"
    return protocol.Instruction(
        agent=row.agent_id,
        seq=row.seq,
        epoch=row.epoch,
        cutover=cutover.pk,
        action=row.action,  # type: ignore[arg-type]
        to_scheme=cutover.from_scheme if going_back else cutover.to_scheme,  # type: ignore[arg-type]
        steps=tuple(step.name for step in run_steps.steps_of(run, row.action)),  # type: ignore[arg-type]
        port=asks.port or run.device.port or DEFAULT_PORT,
        thumbprint=cutover.certificate_thumbprint or None,
        member=cutover.site.member,
        expires_ms=to_ms(_expiry(cutover, row, now)),
        lease_ms=LEASE_MS[run.kind],
        policy="finish" if cutover.on_window_close == "finish" else "restore",
        probe=asks.probe,
        transport_path=asks.path,
    )


def _expiry(cutover: Cutover, row: Instruction, now: dt.datetime) -> dt.datetime:
    """The moment after which the agent must not begin. What cuts terminals off does not begin after the point of no
    return, with two exceptions: the policy `finish` once the server has switched, and a person's decision. A late
    terminal's instruction waits much longer, because it follows a server that has switched already."""
    run = row.run
    finishing = cutover.on_window_close == "finish" and run.kind == "terminal"
    free = row.action not in ("arm", "switch") or cutover.window_waived or run.state == "late" or finishing
    return now + LONG if free else cutover.no_return_at or cutover.ends_at
