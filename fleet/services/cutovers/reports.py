"""Stores agents' reports: in batches, each report once, in the order in which they were made. A report that answers no
instruction of this dashboard is dropped and counted, because there is nothing to compare it with."""

import datetime as dt
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from agents import failpoints
from agents.protocol import Finished, Report, StepDone
from fleet.models import Agent, Cutover, Instruction
from fleet.services import alarms, trouble
from fleet.services.after_commit import AfterCommit
from fleet.services.cutovers.engine import LockedCutover
from fleet.services.cutovers.report_taker import ReportTaker
from fleet.services.sanitize import countable

log = logging.getLogger(__name__)

Batch = Sequence[tuple[str, Report]]

# An agent numbers its reports one by one. After a backup was restored, it is ahead by the reports that it has sent since.
# A number further ahead is not taken: after the highest possible number no report of that agent would ever be new.
MOST_AHEAD = 1_000_000


def take(batch: Batch, now: dt.datetime) -> tuple[AfterCommit, dict[str, int]]:
    """Store these pairs of agent id and report. Returns what is to be done after the commit, and for each agent the number
    up to which it may forget its reports. A report that was stored before changes nothing."""
    after = AfterCommit()
    with transaction.atomic():
        # Not locked: a cutover is always locked before its agents, and the numbers that are read here only grow.
        agents = {a.pk: a for a in Agent.objects.admitted().filter(pk__in={agent for agent, _ in batch})}
        dropped: Counter[str] = Counter()
        for cutover_id, group in _by_cutover(_only_new(batch, agents, dropped)).items():
            after.add(_apply(cutover_id, group, agents, dropped, now))
        Agent.objects.bulk_update(agents.values(), ["acked"], batch_size=500)
        for pk, count in dropped.items():
            Agent.objects.filter(pk=pk).update(dropped=F("dropped") + count)
        seen = list(agents)
        Agent.objects.filter(pk__in=seen).update(last_seen=now)
        failpoints.reached("gateway.take_uncommitted")
    failpoints.reached("gateway.take_committed")
    return after, {pk: agent.acked for pk, agent in agents.items()}


def _only_new(batch: Batch, agents: dict[str, Agent], dropped: Counter[str]) -> list[tuple[str, Report]]:
    fresh = []
    for agent_id, report in batch:
        agent = agents.get(agent_id)
        if agent is None or report.n <= agent.acked:
            continue
        if report.n > agent.acked + MOST_AHEAD:
            dropped[agent_id] += 1
            continue
        agent.acked = report.n
        if countable(report.seq, report.epoch, report.cutover):
            fresh.append((agent_id, report))
        else:
            dropped[agent_id] += 1
    return fresh


def _by_cutover(batch: Batch) -> dict[int, list[tuple[str, Report]]]:
    groups: dict[int, list[tuple[str, Report]]] = defaultdict(list)
    for agent_id, report in batch:
        groups[report.cutover].append((agent_id, report))
    return dict(sorted(groups.items()))  # always the same order of locks


def _apply(cutover_id: int, group: Batch, agents: dict[str, Agent], dropped: Counter[str], now: dt.datetime) -> AfterCommit:
    """Apply one cutover's part of a batch. If it fails in an unexpected way, the other cutovers' parts are kept, and these
    reports are not acknowledged, so that their agents send them again."""
    _note_unreadable(group, now)
    answers = _answers(cutover_id, group, dropped)
    if not answers:
        return AfterCommit()
    site = Cutover.objects.values_list("site_id", flat=True).get(pk=cutover_id)
    after = AfterCommit()
    with trouble.contained(site, f"taking reports about cutover {cutover_id}", now) as outcome, transaction.atomic():
        locked = LockedCutover(cutover_id, now)
        taker = ReportTaker(locked, [(report, asked) for _, report, asked in answers])
        for agent_id, report, asked in answers:
            run = locked.runs.get(asked.run_id)
            if run is None:
                dropped[agent_id] += 1
            elif isinstance(report, StepDone):
                taker.step_done(run, report, asked)
            else:
                taker.finished(run, report, asked)
        taker.write()
        after = locked.settle()
    if outcome.failed:
        for agent_id, report, _ in answers:
            agents[agent_id].acked = min(agents[agent_id].acked, report.n - 1)
    return after


def _note_unreadable(group: Batch, now: dt.datetime) -> None:
    """Sound an alarm for agents that cannot read or verify instructions. Their reports carry no number of an instruction."""
    for agent_id, report in group:
        finding = report.finding if isinstance(report, Finished) and report.outcome == "refused" else None
        if finding and finding.code in alarms.UNREADABLE:
            alarms.sound([agent_id], alarms.refused(finding), now)


def _answers(cutover_id: int, group: Batch, dropped: Counter[str]) -> list[tuple[str, Report, Instruction]]:
    """Each report with the instruction that it answers. Reports that answer none are dropped and counted."""
    rows = Instruction.objects.filter(
        cutover=cutover_id, agent__in={agent for agent, _ in group}, seq__in={report.seq for _, report in group}
    )
    known = {(row.agent_id, row.seq, row.epoch): row for row in rows.defer("body", "signature")}
    found = []
    for agent_id, report in group:
        asked = known.get((agent_id, report.seq, report.epoch))
        if asked is not None and _fits(report, asked):
            found.append((agent_id, report, asked))
        else:
            dropped[agent_id] += 1
    if unasked := len(group) - len(found):
        log.warning("%s reports about cutover %s answer no instruction of ours", unasked, cutover_id)
    return found


def _fits(report: Report, asked: Instruction) -> bool:
    """Whether this report may answer this instruction. What an agent did by itself carries the number of its newest
    instruction, which may have asked for another action."""
    return isinstance(report, StepDone) or report.by_itself or report.action == asked.action
